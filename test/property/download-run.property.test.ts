/** Downloads under random faults: of the server, of the line, of the disk here, and of its power. */
import { test, vi } from 'vitest';
import { playDownload } from '../support/random-faults/play-download.ts';
import { playSeeds } from '../support/random-faults/play-seeds.ts';
import { byTier } from '../support/tier.ts';

vi.mock('node:fs', async () => (await import('../support/random-faults/local-disk.ts')).callbacks());
vi.mock('node:fs/promises', async () => (await import('../support/random-faults/local-disk.ts')).promises());
vi.mock('node:timers/promises', () => import('../support/random-faults/timers-promises.ts'));
vi.mock('../../src/engine/lock/target-lock.ts', () => import('../support/random-faults/model-lock.ts'));

test('no promise of a download is broken, whatever goes wrong', { timeout: 30 * 60_000 }, ({ task }) =>
  playSeeds(task, playDownload, byTier(60, 5000)),
);
