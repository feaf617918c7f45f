// A reporter of vitest that counts. A file that does not load, a hook that fails and an error outside of any test are
// failures too, which vitest's own number of failed tests leaves out.
import { writeFileSync } from 'node:fs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Totals */

/** The environment variable that names the file for the totals, as JSON. */
export const TOTALS_FILE = 'MT_TEST_TOTALS_FILE';

export default class TotalsReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const totals = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) totals[kindOf(test.result().state)]++;
      const suites = [module, ...module.children.allSuites()];
      totals.failed += suites.filter((suite) => suite.errors().length > 0).length;
    }
    writeFileSync(process.env[TOTALS_FILE], JSON.stringify(totals));
  }
}

function kindOf(state) {
  return state === 'passed' || state === 'failed' ? state : 'skipped';
}
