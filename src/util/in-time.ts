import { setTimeout } from 'node:timers/promises';

/** What `work` resolves with; undefined where that takes longer than `limitMs`, while `work` continues unobserved. */
export async function inTime<T>(work: Promise<T>, limitMs: number): Promise<T | undefined> {
  const done = new AbortController();
  const late = setTimeout(limitMs, undefined, { signal: done.signal }).catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
    work.catch(() => {});
  }
}
