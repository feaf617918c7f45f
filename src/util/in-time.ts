import { setTimeout } from 'node:timers/promises';

/**
 * Settles as `work` does, or resolves with undefined after `limitMs`; `work` then continues, and its outcome is
 * ignored.
 */
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
