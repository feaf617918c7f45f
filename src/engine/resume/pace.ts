/** How hard this thread works for the journal, beside connections that need it too. */
import { setTimeout as sleep } from 'node:timers/promises';

/** To be asked after some work, with how long it took: resolves when there may be more, false: not at all. */
export type Pace = (workedMs: number) => Promise<boolean>;

/** Of the time. */
const SHARE = 0.1;
/** So that no end is far away. */
const MAX_REST_MS = 10_000;

/** A tenth of the time; nothing more when `ended` is aborted. */
export function leisurely(ended: AbortSignal): Pace {
  return async (workedMs) => {
    const restMs = Math.min(MAX_REST_MS, workedMs / SHARE - workedMs);
    await sleep(restMs, undefined, { signal: ended }).catch(() => {});
    return !ended.aborted;
  };
}

/** Without rest, so many milliseconds from now. */
export function withinMs(ms: number): Pace {
  const end = performance.now() + ms;
  return async () => performance.now() < end;
}
