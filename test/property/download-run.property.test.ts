/** Downloads under random faults: of the server, of the line, of the disk here, and of its power. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { recordFigure } from '../support/figures.ts';
import { playDownload } from '../support/random-faults/play-download.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { byTier } from '../support/tier.ts';

vi.mock('node:fs', async () => (await import('../support/random-faults/local-disk.ts')).callbacks());
vi.mock('node:fs/promises', async () => (await import('../support/random-faults/local-disk.ts')).promises());
vi.mock('node:timers/promises', () => import('../support/random-faults/timers-promises.ts'));
vi.mock('../../src/engine/lock/target-lock.ts', () => import('../support/random-faults/model-lock.ts'));

const { MT_TEST_RUNS, MT_TEST_SEED } = process.env;
const FIRST = Number(MT_TEST_SEED ?? 1);
const SCENARIOS = Number(MT_TEST_RUNS ?? (MT_TEST_SEED === undefined ? byTier(60, 5000) : 1));
/** Enough to see what goes wrong. */
const MOST_FAILURES = 20;

test('no promise of a download is broken, whatever goes wrong', { timeout: 30 * 60_000 }, async ({ task }) => {
  const temp = await makeTempDir('downloads');
  onTestFinished(temp.remove);
  const startedMs = performance.now();
  let runs = 0;
  const failures: string[] = [];
  for (let seed = FIRST; seed < FIRST + SCENARIOS && failures.length < MOST_FAILURES; seed++) {
    const directory = join(temp.path, String(seed));
    mkdirSync(directory);
    const played = await playDownload(seed, directory);
    rmSync(directory, { recursive: true });
    runs += played.runs;
    // One seed alone is played to see what happened.
    if (SCENARIOS === 1) console.log(played.log.join('\n'));
    if (played.broken.length > 0) failures.push(`MT_TEST_SEED=${seed}:\n  ${played.broken.slice(0, 5).join('\n  ')}`);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  recordFigure(task, 'runs', runs);
  recordFigure(task, 'seeds', `${FIRST} to ${FIRST + SCENARIOS - 1}`);
  recordFigure(task, 'runs a minute', Math.round((runs / seconds) * 60));
  expect(failures.join('\n')).toBe('');
});
