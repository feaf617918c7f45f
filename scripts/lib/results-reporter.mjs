// A reporter of vitest that writes what became of the tests as JSON. A file that does not load, a hook that fails and
// an error outside of any test are failures too, which vitest's own number of failed tests leaves out.
import { writeFileSync } from 'node:fs';

/** The environment variable that names the file for the results. */
export const RESULTS_FILE = 'MT_TEST_RESULTS_FILE';

export default class ResultsReporter {
  #startedAtMs = Date.now();

  onTestRunEnd(modules, unhandledErrors) {
    /** @type {import('./verification.mjs').Results} */
    const results = {
      startedAtMs: this.#startedAtMs,
      durationMs: Date.now() - this.#startedAtMs,
      passed: 0,
      failed: 0,
      skipped: 0,
      files: [],
      failures: unhandledErrors.map((error) => ({ file: '', test: '', reason: reasonOf([error]) })),
      skips: [],
      figures: [],
    };
    for (const module of modules) addModule(results, module);
    for (const { passed, skipped } of results.files) {
      results.passed += passed;
      results.skipped += skipped;
    }
    results.failed = results.failures.length;
    writeFileSync(process.env[RESULTS_FILE], JSON.stringify(results));
  }
}

function addModule({ files, failures, skips, figures }, module) {
  const file = module.relativeModuleId;
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const fail = (test, errors) => {
    counts.failed++;
    failures.push({ file, test, reason: reasonOf(errors) });
  };
  for (const suite of [module, ...module.children.allSuites()]) {
    if (suite.errors().length > 0) fail(suite === module ? '' : suite.fullName, suite.errors());
  }
  for (const test of module.children.allTests()) {
    const { state, errors = [], note } = test.result();
    if (state === 'passed') counts.passed++;
    else if (state === 'failed') fail(test.fullName, errors);
    else {
      counts.skipped++;
      skips.push({ file, test: test.fullName, reason: note ?? skipReason(test) });
    }
    const measured = test.meta().figures;
    if (measured !== undefined) figures.push({ file, test: test.fullName, figures: measured });
  }
  files.push({ file, ...counts, durationMs: module.diagnostic().duration });
}

function reasonOf([error]) {
  return (error?.message ?? String(error)).split('\n', 1)[0];
}

/** A suite that is skipped says why in its title; one that fails takes its tests with it. */
function skipReason(test) {
  const inTitle = /\[skipped: (.*?)\]/.exec(test.fullName)?.[1];
  if (inTitle !== undefined) return inTitle;
  for (let suite = test.parent; suite !== undefined; suite = suite.parent) {
    if (suite.errors().length > 0) return 'its suite failed';
  }
  return 'no reason is given';
}
