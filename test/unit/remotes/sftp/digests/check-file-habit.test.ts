import { expect, test } from 'vitest';
import {
  habitOf,
  probeBlock,
  SMALL_FILE,
  toQuestion,
} from '../../../../../src/remotes/sftp/digests/check-file-habit.ts';

const MIB = 1024 * 1024;
const TIB = 2 ** 40;
const proftpd138 = new Map([['home-directory', Buffer.from('1')]]);
const proftpd139 = new Map([...proftpd138, ['check-file', Buffer.from('1')]]);

test.each([SMALL_FILE + 1, 10 * MIB, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 123_456_789_012, TIB, 64 * TIB])(
  'the question for a file of %i bytes is about the last block but one, and neither long nor far in blocks',
  (size) => {
    const { offset, length } = probeBlock(size);
    const left = size - offset - length;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(length);
    expect(offset % length).toBe(0);
    expect(offset / length).toBeGreaterThan(10);
    expect(offset / length).toBeLessThanOrEqual(32_768);
    expect(length).toBeLessThanOrEqual(Math.max(65_536, size / 16_384));
  },
);

test.each([64 * TIB + 1, Number.MAX_SAFE_INTEGER])('a file that is said to have %i bytes is refused', (size) => {
  expect(() => probeBlock(size)).toThrow(expect.objectContaining({ code: 'unsupported' }));
});

test('the number of digests shows the habit', () => {
  const block = probeBlock(10 * MIB);
  const before = block.offset / block.length;
  expect(habitOf(1, block, proftpd138)).toBe('exact');
  expect(habitOf(1, block, proftpd139)).toBe('exact');
  expect(habitOf(2, block, proftpd138)).toBe('more');
  expect(habitOf(before + 1, block, proftpd138)).toBe('adds-offset');
  expect(habitOf(before + 1, block, proftpd139)).toBe('more');
  expect(habitOf(before + 1, block, new Map())).toBe('more');
  expect(habitOf(before + 2, block, proftpd138)).toBe('more');
});

const run = { offset: 8 * MIB, length: 2 * MIB, index: 0, count: 2, blockSize: MIB };

test('the cost of a request', () => {
  const size = 20 * MIB;
  expect(toQuestion(run, size, 'exact')).toEqual({ run, length: 2 * MIB, cost: 2 * MIB });
  expect(toQuestion(run, size, 'adds-offset')).toEqual({ run, length: -6 * MIB, cost: 2 * MIB });
  expect(toQuestion(run, size, 'more')).toEqual({ run, length: 2 * MIB, cost: 12 * MIB });
});

test('a length that would become 0 without the offset is sent as it is, at twice the cost', () => {
  const square = { ...run, offset: 2 * MIB };
  expect(toQuestion(square, 20 * MIB, 'adds-offset')).toEqual({ run: square, length: 2 * MIB, cost: 4 * MIB });
  expect(toQuestion(square, 4 * MIB, 'adds-offset').cost).toBe(2 * MIB);
});

test.each([
  ['to hash', { ...run, offset: 0 }, 2 * 2 ** 30],
  ['to answer, of what comes after', { ...run, blockSize: 256, length: 256, count: 1 }, 512 * MIB],
  ['to answer, of what came before', { offset: 512 * MIB, length: 256, index: 0, count: 1, blockSize: 256 }, 513 * MIB],
])('with an unknown habit not too much is left %s', (_, asked, size) => {
  expect(() => toQuestion(asked, size, 'more')).toThrow(expect.objectContaining({ code: 'unsupported' }));
  expect(toQuestion(asked, size, 'exact').cost).toBe(asked.length);
});
