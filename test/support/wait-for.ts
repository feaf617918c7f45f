import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** What is awaited, for the error message. */
  what: string;
  timeoutMs?: number;
  pollMs?: number;
}

/** A condition that takes long, such as one that looks at all processes, is tried less often, up to so many milliseconds. */
const LONGEST_POLL_MS = 50;

/** Polls until the condition gives something truthy, and returns it. */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions,
): Promise<Exclude<T, false | null | undefined | 0 | ''>> {
  const { what, timeoutMs = 10_000, pollMs = 10 } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const begun = performance.now();
    const value = await condition();
    const tookMs = performance.now() - begun;
    if (value) return value as Exclude<T, false | null | undefined | 0 | ''>;
    if (performance.now() >= deadline) throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`);
    await sleep(Math.max(pollMs, Math.min(2 * tookMs, LONGEST_POLL_MS)));
  }
}
