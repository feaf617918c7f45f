import { expect, test } from 'vitest';
import type { Range } from '../../../../../src/remotes/remote.ts';
import { blockSizeFor, toRuns } from '../../../../../src/remotes/sftp/digests/check-file-runs.ts';

const K64 = 65_536;
const MIB = 1024 * 1024;

/** The cells of a grid, by their numbers. */
function cells(size: number, cell: number, ...numbers: number[]): Range[] {
  return numbers.map((n) => ({ offset: n * cell, length: Math.min(cell, size - n * cell) }));
}

test('adjacent ranges of one length are one request, and a gap begins another', () => {
  expect(toRuns(cells(10 * MIB, MIB, 0, 1, 2, 5, 7, 8), 10 * MIB, 256 * MIB)).toEqual([
    { offset: 0, length: 3 * MIB, index: 0, count: 3, blockSize: MIB },
    { offset: 5 * MIB, length: MIB, index: 3, count: 1, blockSize: MIB },
    { offset: 7 * MIB, length: 2 * MIB, index: 4, count: 2, blockSize: MIB },
  ]);
});

test('a shorter last range is part of the request, or has the smallest block that it fits into', () => {
  const size = 2 * MIB + 70_000;
  expect(toRuns(cells(size, MIB, 1, 2), size, 256 * MIB)).toEqual([
    { offset: MIB, length: MIB + 70_000, index: 0, count: 2, blockSize: MIB },
  ]);
  expect(toRuns(cells(size, MIB, 2), size, 256 * MIB)).toEqual([
    { offset: 2 * MIB, length: 70_000, index: 0, count: 1, blockSize: 2 * K64 },
  ]);
});

test('a last range whose length is a power of two is part of the request, too', () => {
  const size = 2 * MIB + K64;
  expect(toRuns(cells(size, MIB, 0, 1, 2), size, 256 * MIB)).toHaveLength(1);
});

test('ranges beyond the end, and short ranges that do not end the file, are not asked for', () => {
  const ranges = cells(3 * MIB, MIB, 0, 1, 2);
  expect(toRuns(ranges, 2 * MIB + 1, 256 * MIB).map(({ count }) => count)).toEqual([2]);
  expect(toRuns(ranges, MIB - 1, 256 * MIB)).toEqual([]);
  const odd = { offset: MIB, length: 70_000 };
  expect(toRuns([odd], 2 * MIB, 256 * MIB)).toEqual([]);
  expect(toRuns([{ offset: 0, length: 0 }], 0, 256 * MIB)).toEqual([]);
});

test('ranges of different grids do not mix', () => {
  const ranges = [...cells(4 * MIB, MIB, 0), ...cells(4 * MIB, K64, 16, 17), ...cells(4 * MIB, MIB, 2)];
  expect(toRuns(ranges, 4 * MIB, 256 * MIB).map(({ index, count }) => [index, count])).toEqual([
    [0, 1],
    [1, 2],
    [3, 1],
  ]);
});

test('no request exceeds the maximum length, unless for a single range', () => {
  const ranges = cells(10 * MIB, MIB, 0, 1, 2, 3, 4);
  expect(toRuns(ranges, 10 * MIB, 2 * MIB).map(({ length }) => length / MIB)).toEqual([2, 2, 1]);
  expect(toRuns(ranges, 10 * MIB, K64)).toHaveLength(5);
});

test('no request has more digests than a reply may hold', () => {
  const ranges = Array.from({ length: 40_000 }, (_, i) => ({ offset: i * 256, length: 256 }));
  expect(toRuns(ranges, 64 * MIB, 256 * MIB).map(({ count }) => count)).toEqual([32_768, 7_232]);
});

test.each([
  [1, 256],
  [256, 256],
  [257, 512],
  [K64, K64],
  [K64 + 1, 2 * K64],
  [2 ** 30 - 1, 2 ** 30],
  [2 ** 30, 2 ** 30],
])('%i bytes go into a block of %i', (length, blockSize) => {
  expect(blockSizeFor(length)).toBe(blockSize);
});
