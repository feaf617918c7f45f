import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build-project.mjs';
import { onSignal, run } from './children.mjs';
import { grouped } from './grouped.mjs';
import { main } from './main.mjs';
import { ensurePackages } from './npm-packages.mjs';
import { RESULTS_FILE } from './results-reporter.mjs';
import { root } from './root.mjs';
import { ensureServers } from './server-programs.mjs';
import { writeVerification } from './verification.mjs';

const TIERS = { '--unit': 'quick', '--full': 'full', '--soak': 'soak' };
const UNIT_TESTS = ['test/unit', 'test/property'];

const args = process.argv.slice(2);
const tier = TIERS[args.find((arg) => arg in TIERS)] ?? 'quick';
const forwarded = args.filter((arg) => !(arg in TIERS));
const isVerification = tier === 'full' && forwarded.length === 0;
const filters = args.includes('--unit') ? [...UNIT_TESTS, ...forwarded] : forwarded;

/**
 * What became of the tests; if vitest failed for another reason than they did, or ended before them, that is a failure.
 */
function readResults(file, exitCode) {
  const results = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  const { passed, failed, skipped } = results ?? { passed: 0, failed: 0, skipped: 0 };
  return { results, totals: { passed, failed: exitCode !== 0 && failed === 0 ? 1 : failed, skipped } };
}

/** A line for each reason for which tests were skipped. */
function skipReasons(skips) {
  return Array.from(
    grouped(skips, ({ reason }) => reason),
    ([reason, all]) => {
      const files = new Set(all.map(({ file }) => file));
      return `${all.length} skipped, ${reason}: ${[...files].join(', ')}`;
    },
  );
}

async function runTests(work) {
  const resultsFile = join(work, 'results.json');
  const reporters = ['default', join(root, 'scripts/lib/results-reporter.mjs')];
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const env = { ...process.env, MT_TEST_TIER: tier, MT_TEST_BUILT: '1', [RESULTS_FILE]: resultsFile };
  const options = reporters.map((reporter) => `--reporter=${reporter}`);
  const exitCode = await run(process.execPath, [vitest, 'run', ...options, ...filters], { cwd: root, env });
  const { results, totals } = readResults(resultsFile, exitCode);
  // A part of the tests is no verification of the whole, and a run that was stopped has no results.
  if (isVerification && results !== undefined) writeVerification({ ...results, ...totals });
  for (const line of skipReasons(results?.skips ?? [])) process.stdout.write(`${line}\n`);
  // The last line, for those who read only that.
  process.stdout.write(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`);
  return totals.failed > 0 ? exitCode || 1 : exitCode;
}

await main('The tests could not be run', async () => {
  await ensurePackages();
  await ensureServers();
  // Both: tests run what is built for them, and some look at the package with its declarations.
  await build();
  await build({ dev: true });
  const work = mkdtempSync(join(tmpdir(), 'mt-copy-results-'));
  const removeWork = () => rmSync(work, { recursive: true, force: true });
  const forget = onSignal(removeWork);
  try {
    return await runTests(work);
  } finally {
    removeWork();
    forget();
  }
});
