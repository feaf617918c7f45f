import { describe, expect, it } from 'vitest';
import { formatDuration, formatEta } from '../../../src/util/format-duration.ts';
import { formatExactSize, formatRate, formatSize } from '../../../src/util/format-size.ts';

describe('sizes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1024 * 1023.6, '1.0 MiB'],
    [9.96 * 1024 ** 2, '10 MiB'],
    [36 * 1024 ** 2, '36 MiB'],
    [1.24 * 1024 ** 3, '1.2 GiB'],
    [2 ** 53 - 1, '8.0 PiB'],
  ])('%d is %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
    expect(formatRate(bytes)).toBe(`${text}/s`);
  });

  it('has an exact form as well', () => {
    expect([4194304, 65536, 65537, 0].map(formatExactSize)).toEqual(['4M', '64K', '65537', '0']);
  });
});

describe('durations', () => {
  it.each([
    [0, '0.0 s'],
    [340, '0.3 s'],
    [9_949, '9.9 s'],
    [9_950, '10 s'],
    [34_000, '34 s'],
    [59_600, '1 min 0 s'],
    [125_000, '2 min 5 s'],
    [3_720_000, '1 h 2 min'],
    [273_600_000, '3 d 4 h'],
  ])('%d ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('tells time left in whole seconds', () => {
    expect(formatEta(undefined)).toBe('--');
    expect(formatEta(Number.POSITIVE_INFINITY)).toBe('--');
    expect(formatEta(3_400)).toBe('3 s');
  });
});
