// These are not replaced where a test has a clock of its own.
import { clearTimeout, setTimeout } from 'node:timers';

/**
 * Settles as `work` does, or resolves with undefined after `limitMs`; `work` then continues, and its outcome is
 * ignored.
 */
export async function inTime<T>(work: Promise<T>, limitMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}
