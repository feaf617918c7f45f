/** Plays one scenario after another, and reports which seeds break a promise. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, type TestContext } from 'vitest';
import { recordFigure } from '../figures.ts';
import { makeTempDir } from '../temp-dir.ts';
import type { Played } from './play-scenario.ts';

const { MT_TEST_RUNS, MT_TEST_SEED } = process.env;
const FIRST = Number(MT_TEST_SEED ?? 1);
/** Enough to see what goes wrong. */
const MOST_FAILURES = 20;

export type Play = (seed: number, directory: string) => Promise<Played>;

/** `usual`: how many seeds, unless the environment names one or says how many. */
export async function playSeeds(task: TestContext['task'], play: Play, usual: number): Promise<void> {
  const scenarios = Number(MT_TEST_RUNS ?? (MT_TEST_SEED === undefined ? usual : 1));
  const temp = await makeTempDir('faults');
  onTestFinished(temp.remove);
  const startedMs = performance.now();
  let runs = 0;
  const failures: string[] = [];
  for (let seed = FIRST; seed < FIRST + scenarios && failures.length < MOST_FAILURES; seed++) {
    const directory = join(temp.path, String(seed));
    mkdirSync(directory);
    const played = await play(seed, directory);
    rmSync(directory, { recursive: true });
    runs += played.runs;
    // One seed alone is played to see what happened.
    if (scenarios === 1) console.log(played.log.join('\n'));
    if (played.broken.length > 0) failures.push(`MT_TEST_SEED=${seed}:\n  ${played.broken.slice(0, 5).join('\n  ')}`);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  recordFigure(task, 'runs', runs);
  recordFigure(task, 'seeds', `${FIRST} to ${FIRST + scenarios - 1}`);
  recordFigure(task, 'runs a minute', Math.round((runs / seconds) * 60));
  expect(failures.join('\n')).toBe('');
}
