/**
 * The run and its file jobs under random faults: what docs/ARCHITECTURE.md says always holds, holds whatever happens.
 */
import { expect, onTestFinished, test, vi } from 'vitest';
import { playScenario } from '../support/random-faults/play-scenario.ts';
import { playSeeds } from '../support/random-faults/play-seeds.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { byTier } from '../support/tier.ts';

vi.mock('node:fs', async () => (await import('../support/random-faults/local-disk.ts')).callbacks());
vi.mock('node:fs/promises', async () => (await import('../support/random-faults/local-disk.ts')).promises());
vi.mock('node:timers/promises', () => import('../support/random-faults/timers-promises.ts'));
vi.mock('../../src/engine/lock/target-lock.ts', () => import('../support/random-faults/model-lock.ts'));

/** Beyond the seeds of the longer tiers; what they broke stands beside each. */
const ONCE_BROKEN = [
  // Nothing was acknowledged, and a late write was appended to the target of a server that ignores offsets.
  4535,
];

test.each(ONCE_BROKEN)('what broke a promise once does not break it again: %i', async (seed) => {
  const temp = await makeTempDir('faults');
  onTestFinished(temp.remove);
  expect((await playScenario(seed, temp.path)).broken).toEqual([]);
});

test('no promise is broken, whatever goes wrong', { timeout: 30 * 60_000 }, ({ task }) =>
  playSeeds(task, playScenario, byTier(40, 10_000)),
);
