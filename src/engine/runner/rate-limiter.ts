/** Keeps all connections together at a rate, by handing out what may be taken a little at a time. */
import type { Counters } from './counters.ts';

const TICK_MS = 20;

/** Hands out `bytesPerSecond` through `counters` until the returned function is called. */
export function startRateLimiter(counters: Counters, bytesPerSecond: number): () => void {
  counters.limit();
  let last = performance.now();
  let fraction = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    const exact = ((now - last) / 1000) * bytesPerSecond + fraction;
    last = now;
    fraction = exact % 1;
    // A tenth of a second may be saved up, so that late timers cost no rate.
    counters.allow(Math.floor(exact), Math.ceil(bytesPerSecond / 10));
  }, TICK_MS);
  timer.unref();
  return () => clearInterval(timer);
}
