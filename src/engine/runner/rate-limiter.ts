/** Limits the rate of all connections together, by allowing a small number of bytes at short intervals. */
import type { Counters } from './counters.ts';

const TICK_MS = 20;

/** Allows `bytesPerSecond` through `counters` until the returned function is called. */
export function startRateLimiter(counters: Counters, bytesPerSecond: number): () => void {
  counters.limit();
  let last = performance.now();
  let fraction = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    const exact = ((now - last) / 1000) * bytesPerSecond + fraction;
    last = now;
    fraction = exact % 1;
    // Up to a tenth of a second may be saved up, so that timers that fire late do not lower the rate.
    counters.allow(Math.floor(exact), Math.ceil(bytesPerSecond / 10));
  }, TICK_MS);
  timer.unref();
  return () => clearInterval(timer);
}
