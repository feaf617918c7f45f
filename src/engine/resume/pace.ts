/** Limits how much of its time this thread spends on the journal, because its connections need the thread too. */
import { setTimeout as sleep } from 'node:timers/promises';

/** To be called after some work, with its duration. Resolves when work may continue; false: it must end. */
export type Pace = (workedMs: number) => Promise<boolean>;

const SHARE = 0.1;
/** The longest rest between two pieces of work. */
const MAX_REST_MS = 10_000;

/** A pace at which work takes `share` of the time, by default a tenth, until `ended` is aborted. */
export function restingPace(ended: AbortSignal, share: number = SHARE): Pace {
  return async (workedMs) => {
    const restMs = Math.min(MAX_REST_MS, workedMs / share - workedMs);
    await sleep(restMs, undefined, { signal: ended }).catch(() => {});
    return !ended.aborted;
  };
}

/** A pace without rests, for `ms` milliseconds from now. */
export function withinMs(ms: number): Pace {
  const end = performance.now() + ms;
  return async () => performance.now() < end;
}
