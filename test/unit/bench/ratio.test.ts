import { describe, expect, it } from 'vitest';
import { limitSeconds, median, rounded } from '../../../bench/support/ratio.ts';
import { table, timesTable } from '../../../bench/support/table.ts';

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

describe('table', () => {
  it('puts names to the left and figures to the right', () => {
    expect(
      table(
        ['', 'n'],
        [
          ['mtput', '1'],
          ['x', '100'],
        ],
      ).split('\n'),
    ).toEqual(['         n', '-----  ---', 'mtput    1', 'x      100']);
  });

  it('leaves out what is not known', () => {
    const [, , row] = timesTable([
      { label: 'scp', runs: 1, seconds: 200.64, ratio: 10.032, bytesPerSecond: 1_993_600, maxRssMiB: 12 },
    ]).split('\n');
    expect(row?.split(/\s+/)).toEqual(['scp', '1', '200.6', '10.03', '1.99', '-', '12']);
  });
});
