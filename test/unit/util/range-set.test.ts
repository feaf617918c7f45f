import { expect, test } from 'vitest';
import { RangeSet } from '../../../src/util/range-set.ts';

const range = (offset: number, length: number) => ({ offset, length });
const all = (set: RangeSet) => [...set].map(({ offset, length }) => [offset, length]);

test('is empty at first', () => {
  const set = new RangeSet();
  expect(set.isEmpty).toBe(true);
  expect(set.total).toBe(0);
  expect(set.first).toBeUndefined();
  expect(all(set)).toEqual([]);
});

test.each([
  [
    'apart',
    [range(10, 5), range(20, 5)],
    [
      [10, 5],
      [20, 5],
    ],
  ],
  [
    'in any order',
    [range(20, 5), range(10, 5)],
    [
      [10, 5],
      [20, 5],
    ],
  ],
  ['touching', [range(10, 5), range(15, 5)], [[10, 10]]],
  ['touching from below', [range(10, 5), range(5, 5)], [[5, 10]]],
  ['overlapping', [range(10, 5), range(12, 10)], [[10, 12]]],
  ['inside', [range(10, 20), range(12, 2)], [[10, 20]]],
  ['over several', [range(10, 1), range(12, 1), range(14, 1), range(11, 3)], [[10, 5]]],
  ['from zero', [range(0, 1), range(1, 1)], [[0, 2]]],
  ['empty ones', [range(5, 0), range(9, -3)], []],
  ['beyond 32 bits', [range(2 ** 40, 1), range(2 ** 40 + 1, 2 ** 41)], [[2 ** 40, 2 ** 41 + 1]]],
])('adds ranges: %s', (_, ranges, expected) => {
  const set = new RangeSet(ranges);
  expect(all(set)).toEqual(expected);
  expect(set.total).toBe(expected.reduce((sum, [, length]) => sum + length!, 0));
});

test.each([
  ['the whole', range(10, 10), []],
  ['the beginning', range(5, 10), [[15, 5]]],
  ['the end', range(15, 10), [[10, 5]]],
  [
    'the middle',
    range(12, 2),
    [
      [10, 2],
      [14, 6],
    ],
  ],
  ['what is not there', range(30, 5), [[10, 10]]],
  ['what only touches', range(20, 5), [[10, 10]]],
  ['nothing', range(12, 0), [[10, 10]]],
])('removes %s', (_, removed, expected) => {
  const set = new RangeSet([range(10, 10)]);
  set.remove(removed);
  expect(all(set)).toEqual(expected);
  expect(set.total).toBe(expected.reduce((sum, [, length]) => sum + length!, 0));
});

test('has what lies whole in it', () => {
  const set = new RangeSet([range(10, 10), range(30, 10)]);
  expect(set.has(range(10, 10))).toBe(true);
  expect(set.has(range(12, 3))).toBe(true);
  expect(set.has(range(9, 2))).toBe(false);
  expect(set.has(range(15, 20)), 'over a gap').toBe(false);
  expect(set.has(range(20, 1))).toBe(false);
  expect(set.has(range(25, 0)), 'nothing is everywhere').toBe(true);
});

test('tells what is missing in a range, and stays as it was', () => {
  const set = new RangeSet([range(10, 10), range(30, 10)]);
  expect(all(set.missingIn(range(0, 50)))).toEqual([
    [0, 10],
    [20, 10],
    [40, 10],
  ]);
  expect(all(set.missingIn(range(12, 4)))).toEqual([]);
  expect(all(set.missingIn(range(20, 10)))).toEqual([[20, 10]]);
  expect(set.total).toBe(20);
});

test('is a copy of what it was made from', () => {
  const one = new RangeSet([range(0, 10)]);
  const other = new RangeSet(one);
  other.remove(range(0, 5));
  expect(one.total).toBe(10);
});
