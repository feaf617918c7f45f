import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build-project.mjs';
import { onSignal, run } from './children.mjs';
import { main } from './main.mjs';
import { ensurePackages } from './npm-packages.mjs';
import { root } from './root.mjs';
import { ensureServers } from './server-programs.mjs';
import { TOTALS_FILE } from './totals-reporter.mjs';
import { writeVerification } from './verification.mjs';

const TIERS = { '--unit': 'quick', '--full': 'full', '--soak': 'soak' };
const UNIT_TESTS = ['test/unit', 'test/property'];

const args = process.argv.slice(2);
const tier = TIERS[args.find((arg) => arg in TIERS)] ?? 'quick';
const forwarded = args.filter((arg) => !(arg in TIERS));
const isVerification = tier === 'full' && forwarded.length === 0;
const filters = args.includes('--unit') ? [...UNIT_TESTS, ...forwarded] : forwarded;

/** What was counted; if vitest failed for another reason than that, or was never able to count, that is a failure. */
function readTotals(file, exitCode) {
  const totals = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: 0, skipped: 0 };
  if (exitCode !== 0 && totals.failed === 0) totals.failed = 1;
  return totals;
}

async function runTests(work) {
  const resultsFile = join(work, 'results.json');
  const totalsFile = join(work, 'totals.json');
  const reporters = ['default', join(root, 'scripts/lib/totals-reporter.mjs'), ...(isVerification ? ['json'] : [])];
  const options = [...reporters.map((reporter) => `--reporter=${reporter}`), `--outputFile.json=${resultsFile}`];
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const env = { ...process.env, MT_TEST_TIER: tier, MT_TEST_BUILT: '1', [TOTALS_FILE]: totalsFile };
  const exitCode = await run(process.execPath, [vitest, 'run', ...options, ...filters], { cwd: root, env });
  const totals = readTotals(totalsFile, exitCode);
  // A part of the tests is no verification of the whole, and a run that was stopped has no results.
  if (isVerification && existsSync(resultsFile)) writeVerification(resultsFile, totals);
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
