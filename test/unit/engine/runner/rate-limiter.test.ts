import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Counters } from '../../../../src/engine/runner/counters.ts';
import { startRateLimiter } from '../../../../src/engine/runner/rate-limiter.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Takes all it can, every few milliseconds. */
function takeFor(counters: Counters, ms: number, slice: number): number {
  let taken = 0;
  for (let passed = 0; passed < ms; passed += 5) {
    vi.advanceTimersByTime(5);
    while (counters.tryTake(slice)) taken += slice;
  }
  return taken;
}

test.each([
  [1_000_000, 1000],
  [1_000_000, 64 * 1024],
  [333, 1],
  [7, 1],
])('%i bytes a second in slices of %i', (rate, slice) => {
  const counters = new Counters();
  const stop = startRateLimiter(counters, rate);
  const taken = takeFor(counters, 30_000, slice);
  expect(taken).toBeLessThanOrEqual(30 * rate + slice);
  expect(taken).toBeGreaterThanOrEqual(30 * rate * 0.98 - slice);
  stop();
});

test('a pause gives a tenth of a second of credit, no more', () => {
  const counters = new Counters();
  const stop = startRateLimiter(counters, 10_000);
  vi.advanceTimersByTime(60_000);
  expect(takeFor(counters, 5, 10)).toBeLessThanOrEqual(1000 + 10);
  stop();
});

test('nothing is allowed after it was stopped, and no timer is left', () => {
  const counters = new Counters();
  startRateLimiter(counters, 1000)();
  expect(vi.getTimerCount()).toBe(0);
  expect(takeFor(counters, 1000, 1)).toBe(0);
});
