import { defineConfig } from 'vitest/config';
import { byTier, tier } from './test/support/tier.ts';

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
    // Quick tests wait for most of their time. Servers and proxies need processors too, and what the longer tiers measure
    // must not depend on what else runs.
    maxWorkers: byTier(3, 2),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
