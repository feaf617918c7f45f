/** What `npm test` counts, and what is written down of it, with vitest as it is. */
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Results } from '../../../scripts/lib/verification.mjs';
import { run } from '../../support/process.ts';
import { repoRoot } from '../../support/repo-root.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { byTier } from '../../support/tier.ts';

const IMPORTS = `import { test, describe, beforeAll, afterAll } from 'vitest';\n`;
const PASSES = `test('passes', () => {});\n`;

interface Case {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly code: number;
  /** Passed, failed, skipped. */
  readonly counts: readonly [number, number, number];
  /** Of each failure: the test, and the reason. */
  readonly failures?: readonly (readonly [string, string])[];
  readonly skips?: readonly (readonly [string, string])[];
}

const CASES: readonly Case[] = [
  { name: 'a test that passes', files: { a: PASSES }, code: 0, counts: [1, 0, 0] },
  {
    name: 'a test that fails',
    files: { a: `${PASSES}describe('s', () => { test('x', () => { throw new Error('one\\ntwo'); }); });` },
    code: 1,
    counts: [1, 1, 0],
    failures: [['s > x', 'one']],
  },
  {
    name: 'tests that are skipped',
    files: {
      a: `${PASSES}test.skip('x', () => {}); describe.skip('y [skipped: no server]', () => { test('z', () => {}); });`,
    },
    code: 0,
    counts: [1, 0, 2],
    skips: [
      ['x', 'no reason is given'],
      ['y [skipped: no server] > z', 'no server'],
    ],
  },
  {
    name: 'a test that skips itself',
    files: { a: `${PASSES}test('x', ({ skip }) => skip('no'));` },
    code: 0,
    counts: [1, 0, 1],
    skips: [['x', 'no']],
  },
  {
    name: 'a file that does not load',
    files: { a: PASSES, b: `throw new Error('no');` },
    code: 1,
    counts: [1, 1, 0],
    failures: [['', 'no']],
  },
  {
    name: 'a suite that cannot begin',
    files: { a: `describe('s', () => { beforeAll(() => { throw 1; }); ${PASSES} });` },
    code: 1,
    counts: [0, 1, 1],
    failures: [['s', '1']],
    skips: [['s > passes', 'its suite failed']],
  },
  {
    name: 'a suite that cannot end',
    files: { a: `describe('s', () => { afterAll(() => { throw new Error('no'); }); ${PASSES} });` },
    code: 1,
    counts: [1, 1, 0],
    failures: [['s', 'no']],
  },
  {
    name: 'an error outside of any test',
    files: { a: `${PASSES}Promise.reject(new Error('no'));` },
    code: 1,
    counts: [1, 1, 0],
    failures: [['', 'no']],
  },
];

async function resultsOf(files: Case['files']): Promise<{ code: number | null; results: Results }> {
  const dir = await makeTempDir('results');
  onTestFinished(dir.remove);
  await symlink(join(repoRoot, 'node_modules'), dir.file('node_modules'));
  for (const [name, text] of Object.entries(files)) await writeFile(dir.file(`${name}.test.ts`), IMPORTS + text);
  const vitest = join(repoRoot, 'node_modules/vitest/vitest.mjs');
  const reporter = `--reporter=${join(repoRoot, 'scripts/lib/results-reporter.mjs')}`;
  const env = { PATH: process.env.PATH, MT_TEST_RESULTS_FILE: dir.file('results.json') };
  const { code } = await run(process.execPath, [vitest, 'run', '--root', dir.path, reporter], { env, cwd: dir.path });
  return { code, results: JSON.parse(await readFile(dir.file('results.json'), 'utf8')) };
}

/** Several cases in one run: each has names of files of its own. */
function together(name: string, cases: readonly Case[]): Case {
  const files = cases.flatMap((one, at) =>
    Object.entries(one.files).map(([file, text]) => [`${at}-${file}`, text] as const),
  );
  const sum = (at: 0 | 1 | 2): number => cases.reduce((total, { counts }) => total + counts[at], 0);
  return {
    name,
    files: Object.fromEntries(files),
    code: Math.max(...cases.map(({ code }) => code)),
    counts: [sum(0), sum(1), sum(2)],
    failures: cases.flatMap(({ failures = [] }) => failures),
    skips: cases.flatMap(({ skips = [] }) => skips),
  };
}

// Each run of vitest takes seconds. In the quick tier the one that nothing fails in, and the one of all failures.
const ALL_TOGETHER = [0, 1].map((code) =>
  together(
    `all that end with ${code}`,
    CASES.filter((one) => one.code === code),
  ),
);

test.each(byTier(ALL_TOGETHER, [...ALL_TOGETHER, ...CASES]))(
  '$name',
  async ({ files, code, counts, failures = [], skips = [] }) => {
    const run = await resultsOf(files);
    const { passed, failed, skipped } = run.results;
    expect({ code: run.code, counts: [passed, failed, skipped] }).toEqual({ code, counts });
    const told = (all: readonly { readonly test: string; readonly reason: string }[]) =>
      all.map(({ test, reason }) => [test, reason]).sort();
    expect(told(run.results.failures)).toEqual([...failures].sort());
    expect(told(run.results.skips)).toEqual([...skips].sort());
    const named = run.results.failures.map(({ file }) => file);
    for (const file of named) expect(['', ...run.results.files.map((one) => one.file)]).toContain(file);
  },
);

test('counts and times of each file, and what tests have measured', async () => {
  const begun = Date.now();
  const measures = `test('measures', ({ task }) => { task.meta.figures = { resets: 3 }; });`;
  const { results } = await resultsOf({ a: PASSES, b: measures });
  expect(results.files.toSorted((x, y) => x.file.localeCompare(y.file))).toEqual([
    { file: 'a.test.ts', passed: 1, failed: 0, skipped: 0, durationMs: expect.any(Number) },
    { file: 'b.test.ts', passed: 1, failed: 0, skipped: 0, durationMs: expect.any(Number) },
  ]);
  expect(results.figures).toEqual([{ file: 'b.test.ts', test: 'measures', figures: { resets: 3 } }]);
  expect(results.startedAtMs).toBeGreaterThanOrEqual(begun);
  expect(results.startedAtMs + results.durationMs).toBeLessThanOrEqual(Date.now());
});
