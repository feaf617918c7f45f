import { expect, test } from 'vitest';
import {
  choosePieceSize,
  isPieceSize,
  nextBoundary,
  pieceAt,
  pieceCount,
  spanOfPieces,
  wholePieces,
} from '../../../../src/engine/schedule/grid.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const TIB = MIB * MIB;
const free = { min: 1, max: Number.MAX_SAFE_INTEGER, maxPieces: Number.MAX_SAFE_INTEGER };

test.each([
  [0, 4 * MIB],
  [1, 4 * MIB],
  [16_384 * 4 * MIB, 4 * MIB],
  [16_384 * 4 * MIB + 1, 8 * MIB],
  [TIB, 64 * MIB],
  [10 * TIB, 1024 * MIB],
])('a file of %i bytes has pieces of %i', (size, expected) => {
  expect(choosePieceSize(size, free)).toBe(expected);
  expect(pieceCount(size, expected)).toBeLessThanOrEqual(16_384);
});

test('limits of the remote make pieces longer', () => {
  expect(choosePieceSize(100 * MIB, { ...free, min: 5 * MIB })).toBe(8 * MIB);
  expect(choosePieceSize(100 * MIB, { ...free, maxPieces: 10 })).toBe(16 * MIB);
});

test('a size that was asked for is taken, or refused as usage', () => {
  expect(choosePieceSize(100 * MIB, free, 64 * KIB)).toBe(64 * KIB);
  const refuse = (wanted: number, limits = free) =>
    expect(() => choosePieceSize(100 * MIB, limits, wanted)).toThrow(expect.objectContaining({ code: 'usage' }));
  refuse(5 * MIB);
  refuse(32 * KIB);
  refuse(MIB, { ...free, min: 5 * MIB });
  refuse(8 * MIB, { ...free, max: 4 * MIB });
  refuse(MIB, { ...free, maxPieces: 99 });
});

test.each([
  [16_384 * 64 * KIB, 64 * KIB],
  [16_384 * 64 * KIB + 1, 128 * KIB],
  [TIB, 64 * MIB],
])('a file of %i bytes has pieces of %i where 64 KiB were asked for', (size, expected) => {
  expect(choosePieceSize(size, free, 64 * KIB)).toBe(expected);
  expect(pieceCount(size, expected)).toBeLessThanOrEqual(16_384);
  expect(() => choosePieceSize(size, { ...free, max: expected / 2 }, 64 * KIB)).toThrow(
    expect.objectContaining({ code: 'usage' }),
  );
});

test('a piece size is a power of two of at least 64 KiB', () => {
  for (const size of [64 * KIB, 128 * KIB, 4 * MIB, 2 ** 40]) expect(isPieceSize(size)).toBe(true);
  for (const size of [0, -65_536, 1, 32 * KIB, 65_537, 3 * MIB, 65_536.5, Number.NaN, Infinity]) {
    expect(isPieceSize(size), String(size)).toBe(false);
  }
});

test.each([0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB + 17])('the pieces of a file of %i bytes are the file', (size) => {
  let next = 0;
  for (let i = 0; i < pieceCount(size, MIB); i++) {
    const { offset, length } = pieceAt(i, size, MIB);
    expect(offset).toBe(next);
    expect(length).toBeGreaterThan(0);
    expect(length).toBeLessThanOrEqual(MIB);
    next += length;
  }
  expect(next).toBe(size);
});

test('the next boundary is at or after', () => {
  expect([0, 1, MIB - 1, MIB, MIB + 1].map((offset) => nextBoundary(offset, MIB) / MIB)).toEqual([0, 1, 1, 1, 2]);
  expect(nextBoundary(2 ** 45 + 1, 2 ** 30)).toBe(2 ** 45 + 2 ** 30);
});

test('pieces that lie in ranges whole, the last one of the file included', () => {
  const whole = (...ranges: [number, number][]) =>
    [
      ...wholePieces(
        ranges.map(([offset, length]) => ({ offset, length })),
        10,
        4,
      ),
    ].map(({ offset }) => offset);
  expect(whole()).toEqual([]);
  expect(whole([0, 10])).toEqual([0, 4, 8]);
  expect(whole([0, 9])).toEqual([0, 4]);
  expect(whole([1, 9])).toEqual([4, 8]);
  expect(whole([1, 6])).toEqual([]);
  expect(whole([0, 4], [7, 3])).toEqual([0, 8]);
});

test('the span of pieces in a range begins and ends with a piece, the last one of the file included', () => {
  expect(spanOfPieces({ offset: 1, length: 98 }, 95, 10)).toEqual({ offset: 10, length: 80 });
  expect(spanOfPieces({ offset: 10, length: 85 }, 95, 10)).toEqual({ offset: 10, length: 85 });
  expect(spanOfPieces({ offset: 11, length: 10 }, 95, 10).length).toBe(0);
});
