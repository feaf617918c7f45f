// npm test [-- VITEST ARGUMENTS]; --full: everything, and writes docs/VERIFICATION.md; --soak: the long ones.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { ensurePackages, ensureServers, root } from './install.mjs';
import { writeVerification } from './verification.mjs';

/** The last line, for whoever reads only that. */
function sayTotals(resultsFile) {
  if (!existsSync(resultsFile)) return;
  const { numPassedTests, numFailedTests, numTotalTests } = JSON.parse(readFileSync(resultsFile, 'utf8'));
  const skipped = numTotalTests - numPassedTests - numFailedTests;
  process.stdout.write(`${numPassedTests} passed, ${numFailedTests} failed, ${skipped} skipped\n`);
}

const args = process.argv.slice(2);
const tier = args.includes('--full') ? 'full' : args.includes('--soak') ? 'soak' : 'quick';
const forwarded = args.filter((arg) => arg !== '--full' && arg !== '--soak');

ensurePackages();
ensureServers();
// Both: tests run what is built for them, and some look at the package with its declarations.
await build();
await build({ dev: true });

const work = mkdtempSync(join(tmpdir(), 'mt-copy-results-'));
// vitest ends the servers of its tests on Ctrl-C; this process waits for that.
process.on('SIGINT', () => {});
let status = 1;
try {
  const resultsFile = join(work, 'results.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${resultsFile}`];
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const env = { ...process.env, MT_TEST_TIER: tier, MT_TEST_BUILT: '1' };
  const result = spawnSync(process.execPath, [vitest, 'run', ...reporters, ...forwarded], {
    cwd: root,
    env,
    stdio: 'inherit',
  });
  status = result.status ?? 1;
  sayTotals(resultsFile);
  // A part of the tests is no verification of the whole, and a run that was stopped has no results.
  if (tier === 'full' && forwarded.length === 0 && existsSync(resultsFile)) writeVerification(resultsFile);
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.exit(status);
