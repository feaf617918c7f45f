import { expect, test } from 'vitest';
import { NotedRanges, type Noting } from '../../../../src/engine/resume/noted-ranges.ts';
import { RangeSet } from '../../../../src/util/range-set.ts';

const PIECE = 1024 * 1024;
const SIZE = 10 * PIECE + 10;

function pieces(first: number, count = 1): RangeSet {
  const offset = first * PIECE;
  return new RangeSet([{ offset, length: Math.min(SIZE - offset, count * PIECE) }]);
}

/** What is missing, as piece numbers with their states; parts with their lengths. */
function missing(noted: NotedRanges, durable: RangeSet, noting: Noting = {}): (string | number)[][] {
  return [...noted.missingIn(durable, noting)].map(({ range, state, isPart }) => {
    return [range.offset / PIECE, isPart ? range.length / PIECE : state];
  });
}

function note(noted: NotedRanges, durable: RangeSet, noting: Noting = {}): void {
  for (const { range, state } of noted.missingIn(durable, noting)) noted.add(range, state);
}

test('a piece is missing until it is recorded, the shorter last one too', () => {
  const noted = new NotedRanges(SIZE, PIECE);
  expect(missing(noted, pieces(8, 3))).toEqual([
    [8, 'durable'],
    [9, 'durable'],
    [10, 'durable'],
  ]);
  note(noted, pieces(8, 2));
  expect(missing(noted, pieces(8, 3))).toEqual([[10, 'durable']]);
});

test('a durable piece is missing again when it is verified, and then no more', () => {
  const noted = new NotedRanges(SIZE, PIECE);
  note(noted, pieces(0, 4));
  const noting = { verified: pieces(1, 2) };
  expect(missing(noted, pieces(0, 5), noting)).toEqual([
    [1, 'verified'],
    [2, 'verified'],
    [4, 'durable'],
  ]);
  note(noted, pieces(0, 5), noting);
  expect(missing(noted, pieces(0, 5), noting)).toEqual([]);
  expect(missing(noted, pieces(0, 5)), 'a state is never lowered').toEqual([]);
});

test('what is verified and not durable is not recorded', () => {
  const noted = new NotedRanges(SIZE, PIECE);
  note(noted, pieces(0, 2));
  expect(missing(noted, pieces(0), { verified: pieces(0, 4) })).toEqual([[0, 'verified']]);
});

test('a piece that is verified while others are recorded is recorded as that', () => {
  const noted = new NotedRanges(SIZE, PIECE);
  const verified = new RangeSet();
  const states: string[] = [];
  for (const { range, state } of noted.missingIn(pieces(0, 3), { verified })) {
    states.push(state);
    verified.add({ offset: range.offset + PIECE, length: PIECE });
  }
  expect(states).toEqual(['durable', 'verified', 'verified']);
});

test('what is forgotten is missing again, with all pieces that share bytes with it', () => {
  const noted = new NotedRanges(SIZE, PIECE);
  note(noted, pieces(0, 4), { verified: pieces(0, 4) });
  noted.forget({ offset: 2 * PIECE - 1, length: 2 });
  expect(missing(noted, pieces(0, 4))).toEqual([
    [1, 'durable'],
    [2, 'durable'],
  ]);
});

test('parts of pieces are missing only if asked for, are long enough, and a fair share', () => {
  const noted = new NotedRanges(SIZE, PIECE);
  const durable = new RangeSet([
    { offset: PIECE / 2, length: 2 * PIECE },
    { offset: 4 * PIECE, length: 1000 },
  ]);
  expect(missing(noted, durable)).toEqual([[1, 'durable']]);
  const all = [
    [1, 'durable'],
    [0.5, 0.5],
    [2, 0.5],
  ];
  expect(missing(noted, durable, { parts: true })).toEqual(all);
  const most = new RangeSet(durable);
  most.add({ offset: PIECE, length: 8 * PIECE });
  expect(missing(noted, most, { parts: true }).every(([, state]) => state === 'durable')).toBe(true);
});

test('a part that is recorded is not missing, until its piece is', () => {
  const noted = new NotedRanges(SIZE, PIECE);
  const half = new RangeSet([{ offset: 0, length: PIECE / 2 }]);
  note(noted, half, { parts: true });
  expect(missing(noted, half, { parts: true })).toEqual([]);
  expect(missing(noted, pieces(0), { parts: true })).toEqual([[0, 'durable']]);
  note(noted, pieces(0));
  noted.forget({ offset: 0, length: 1 });
  expect(missing(noted, half, { parts: true })).toEqual([[0, 0.5]]);
});
