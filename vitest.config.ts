import { defineConfig } from 'vitest/config';
import { tier } from './test/support/tier.ts';

const include = { quick: ['test/**/*.test.ts'], full: ['test/**/*.test.ts'], soak: ['test/**/*.soak.test.ts'] };
const leftOut = {
  quick: ['test/**/*.full.test.ts', 'test/**/*.soak.test.ts'],
  full: ['test/**/*.soak.test.ts'],
  soak: [],
};

export default defineConfig({
  test: {
    include: include[tier],
    exclude: ['node_modules/**', ...leftOut[tier]],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // Servers and proxies need processors too: more files at once would only make their timing worse.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
