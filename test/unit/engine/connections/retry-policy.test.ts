import { expect, test } from 'vitest';
import { admissionDelayMs, redialDelayMs } from '../../../../src/engine/connections/retry-policy.ts';

const least = () => 0;
const most = () => 0.999999;

test('a lost connection is dialled soon, then later and later, at least every half minute', () => {
  const delays = [0, 1, 2, 3, 4, 5, 6, 7, 100, 5000].map((failures) => redialDelayMs(failures, least));
  expect(delays).toEqual([100, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000]);
});

test('a refused one likewise, from a second on', () => {
  const delays = [1, 2, 3, 4, 5, 6, 7, 100, 5000].map((refusals) => admissionDelayMs(refusals, least));
  expect(delays).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000]);
});

test('up to a quarter is added, so that many do not come back in one moment', () => {
  for (const delay of [redialDelayMs, admissionDelayMs]) {
    expect(delay(2, most)).toBeGreaterThan(1.24 * delay(2, least));
    expect(delay(2, most)).toBeLessThanOrEqual(1.25 * delay(2, least));
    const some = new Set(Array.from({ length: 20 }, () => delay(2)));
    expect(some.size).toBeGreaterThan(1);
  }
});
