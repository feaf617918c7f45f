/** `npm run test:full` writes its summary whatever became of the tests, and nothing else writes it. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Results } from '../../../scripts/lib/verification.mjs';
import { type RunResult, run } from '../../support/process.ts';
import { makeScratchProject } from '../../support/scratch-project.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { byTier } from '../../support/tier.ts';

const FAILED: Results = {
  startedAtMs: 0,
  durationMs: 1000,
  passed: 7,
  failed: 1,
  skipped: 0,
  files: [{ file: 'test/unit/a.test.ts', passed: 7, failed: 1, skipped: 0, durationMs: 1000 }],
  failures: [{ file: 'test/unit/a.test.ts', test: 'x', reason: 'not so' }],
  skips: [],
  figures: [],
};

/** What stands for vitest leaves these results, if any, and ends with 1. */
async function failingRun(results: Results | undefined, args: readonly string[]) {
  const dir = await makeTempDir('summary');
  onTestFinished(dir.remove);
  const project = await makeScratchProject(dir, 'demo');
  const report = `writeFileSync(process.env.MT_TEST_RESULTS_FILE, ${JSON.stringify(JSON.stringify(results))});`;
  const vitest = `import { writeFileSync } from 'node:fs'; ${results ? report : ''} process.exitCode = 1;`;
  await writeFile(join(project.path, 'node_modules/vitest/vitest.mjs'), vitest);
  const options = { cwd: project.path, env: project.env };
  const ended: RunResult = await run(process.execPath, ['scripts/test.mjs', ...args], options);
  return { ended, summary: join(project.path, 'docs/VERIFICATION.md') };
}

test('where tests fail, it names them', async () => {
  const { ended, summary } = await failingRun(FAILED, ['--full']);
  expect(ended.code, ended.stderr).toBe(1);
  expect(ended.stdout).toMatch(/7 passed, 1 failed, 0 skipped\n$/);
  expect(await readFile(summary, 'utf8')).toContain('- test/unit/a.test.ts: x: not so\n');
});

test('the output names the reasons for which tests were skipped, then the counts', async () => {
  const skips = ['a', 'b'].map((name) => ({ file: 'test/unit/a.test.ts', test: name, reason: 'no proftpd' }));
  const { ended } = await failingRun({ ...FAILED, skipped: 2, skips }, ['--unit']);
  const lines = ended.stdout.trimEnd().split('\n');
  expect(lines.slice(-2)).toEqual(['2 skipped, no proftpd: test/unit/a.test.ts', '7 passed, 1 failed, 2 skipped']);
});

test('where vitest has no results there is none, and that is a failure', async () => {
  const { ended, summary } = await failingRun(undefined, ['--full']);
  expect(ended.code, ended.stderr).toBe(1);
  expect(ended.stdout).toMatch(/0 passed, 1 failed, 0 skipped\n$/);
  expect(existsSync(summary)).toBe(false);
});

test.each(
  byTier([[['--unit']], [['--full', 'test/unit']]], [[[]], [['--unit']], [['--soak']], [['--full', 'test/unit']]]),
)('%o is no verification', async (args) => {
  const { ended, summary } = await failingRun(FAILED, args);
  expect(ended.code, ended.stderr).toBe(1);
  expect(existsSync(summary)).toBe(false);
});
