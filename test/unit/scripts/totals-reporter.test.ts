/** What the last line of `npm test` counts, with vitest as it is. */
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { run } from '../../support/process.ts';
import { repoRoot } from '../../support/repo-root.ts';
import { makeTempDir } from '../../support/temp-dir.ts';

const IMPORTS = `import { test, describe, beforeAll, afterAll } from 'vitest';\n`;
const PASSES = `test('passes', () => {});\n`;

async function totalsOf(files: Record<string, string>): Promise<unknown> {
  const dir = await makeTempDir('totals');
  onTestFinished(dir.remove);
  await symlink(join(repoRoot, 'node_modules'), dir.file('node_modules'));
  for (const [name, text] of Object.entries(files)) await writeFile(dir.file(`${name}.test.ts`), IMPORTS + text);
  const vitest = join(repoRoot, 'node_modules/vitest/vitest.mjs');
  const reporter = `--reporter=${join(repoRoot, 'scripts/lib/totals-reporter.mjs')}`;
  const env = { PATH: process.env.PATH, MT_TEST_TOTALS_FILE: dir.file('totals.json') };
  const { code } = await run(process.execPath, [vitest, 'run', '--root', dir.path, reporter], { env, cwd: dir.path });
  return { code, ...JSON.parse(await readFile(dir.file('totals.json'), 'utf8')) };
}

test.each([
  ['a test that passes', { a: PASSES }, { code: 0, passed: 1, failed: 0, skipped: 0 }],
  [
    'a test that fails',
    { a: `${PASSES}test('x', () => { throw 1; });` },
    { code: 1, passed: 1, failed: 1, skipped: 0 },
  ],
  [
    'tests that are skipped',
    { a: `${PASSES}test.skip('x', () => {}); describe.skip('y', () => { test('z', () => {}); });` },
    { code: 0, passed: 1, failed: 0, skipped: 2 },
  ],
  [
    'a test that skips itself',
    { a: `${PASSES}test('x', ({ skip }) => skip('no'));` },
    { code: 0, passed: 1, failed: 0, skipped: 1 },
  ],
  [
    'a file that does not load',
    { a: PASSES, b: `throw new Error('no');` },
    { code: 1, passed: 1, failed: 1, skipped: 0 },
  ],
  [
    'a suite that cannot begin',
    { a: `describe('s', () => { beforeAll(() => { throw 1; }); ${PASSES} });` },
    { code: 1, passed: 0, failed: 1, skipped: 1 },
  ],
  [
    'a suite that cannot end',
    { a: `describe('s', () => { afterAll(() => { throw 1; }); ${PASSES} });` },
    { code: 1, passed: 1, failed: 1, skipped: 0 },
  ],
  [
    'an error outside of any test',
    { a: `${PASSES}Promise.reject(new Error('no'));` },
    { code: 1, passed: 1, failed: 1, skipped: 0 },
  ],
])('%s', async (_name, files, expected) => {
  expect(await totalsOf(files as unknown as Record<string, string>)).toEqual(expected);
});
