import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';
import { LONGER_FILES } from './test/support/longer-files.ts';
import { byTier, tier } from './test/support/tier.ts';

const suffix = tier === 'soak' ? '.soak.test.ts' : '.test.ts';
const leftOut = {
  quick: ['test/**/*.full.test.ts', 'test/**/*.soak.test.ts', ...LONGER_FILES],
  full: ['test/**/*.soak.test.ts'],
  soak: [],
};

/** Tests that replace modules. Such a module must not have been loaded by another test of the same process. */
const replacing = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith(suffix))
  .map((name) => join('test', name))
  .filter((path) => /\bvi\.(mock|doMock)\(/.test(readFileSync(path, 'utf8')));

/** Without servers: the inner loop. */
const units = ['test/unit', 'test/property'];

/** Most files take less time than a process of their own does to load what they import. */
const common = { pool: 'forks', isolate: false, testTimeout: 60_000, hookTimeout: 60_000 } as const;
const excluded = [...configDefaults.exclude, ...leftOut[tier]];

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    // Quick tests wait for much of their time. Servers and proxies need processors too, and what the longer tiers
    // measure must not depend on what else runs.
    maxWorkers: byTier(4, 2),
    teardownTimeout: 20_000,
    projects: [
      {
        test: {
          ...common,
          name: 'units',
          include: units.map((directory) => `${directory}/**/*${suffix}`),
          exclude: [...excluded, ...replacing],
        },
      },
      { test: { ...common, isolate: true, name: 'replacing modules', include: replacing, exclude: excluded } },
      {
        test: {
          ...common,
          name: 'servers',
          // What the longer tiers measure must not depend on what their process did before.
          isolate: tier !== 'quick',
          include: [`test/**/*${suffix}`],
          exclude: [...excluded, ...replacing, ...units.map((directory) => `${directory}/**`)],
        },
      },
    ],
  },
});
