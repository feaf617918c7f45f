import { describe, type TestContext, test } from 'vitest';
import { missingServers, type Need } from './servers.ts';

/** A suite that needs servers: skipped, saying why, where one is missing; with CI=true that is a failure. */
export function describeWithServers(names: readonly Need[], title: string, suite: () => void): void {
  const missing = missingServers(names);
  if (missing.length === 0) {
    describe(title, suite);
  } else if (process.env.CI === 'true') {
    test(title, () => {
      throw new Error(`CI must not skip this: ${missing.join('; ')}`);
    });
  } else {
    describe.skip(`${title} [skipped: ${missing.join('; ')}]`, suite);
  }
}

/** Skips the test that runs, saying why, where a program is missing; with CI=true that is a failure. */
export function skipWithout(context: TestContext, names: readonly Need[]): void {
  const missing = missingServers(names).join('; ');
  if (missing === '') return;
  if (process.env.CI === 'true') throw new Error(`CI must not skip this: ${missing}`);
  context.skip(missing);
}
