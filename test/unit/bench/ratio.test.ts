import { describe, expect, it } from 'vitest';
import { limitSeconds, median, rounded } from '../../../bench/support/ratio.ts';

describe('limitSeconds', () => {
  it('is what the line needs for the bytes', () => {
    expect(limitSeconds(400_000_000, 10, 2_000_000)).toBe(20);
    expect(limitSeconds(400_000_000, 1, 2_000_000)).toBe(200);
  });
});

describe('median', () => {
  it.each([
    [[3], 3],
    [[10, 1, 3], 3],
    [[4, 1, 3, 10], 3.5],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });
});

describe('rounded', () => {
  it('keeps three decimals', () => {
    expect(rounded(1.052_499)).toBe(1.052);
    expect(rounded(20)).toBe(20);
  });
});
