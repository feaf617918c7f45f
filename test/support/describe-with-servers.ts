import { describe, test } from 'vitest';
import { missingServers, type ServerName } from './servers.ts';

/** A suite that needs servers: skipped, saying why, where one is missing; with CI=true that is a failure. */
export function describeWithServers(names: readonly ServerName[], title: string, suite: () => void): void {
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
