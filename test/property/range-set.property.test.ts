import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RangeSet } from '../../src/util/range-set.ts';

const SPACE = 64;
const range = fc.record({ offset: fc.nat(SPACE - 1), length: fc.nat(SPACE) }).map(({ offset, length }) => ({
  offset,
  length: Math.min(length, SPACE - offset),
}));
const step = fc.record({ how: fc.constantFrom('add' as const, 'remove' as const), range });

/** One flag a byte: what a set of ranges must be equal to. */
function runsOf(bits: readonly boolean[]): [number, number][] {
  const runs: [number, number][] = [];
  bits.forEach((bit, i) => {
    if (!bit) return;
    if (i > 0 && bits[i - 1]) runs.at(-1)![1]++;
    else runs.push([i, 1]);
  });
  return runs;
}

test('a set of ranges is a bitmap', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), range, (steps, question) => {
      const set = new RangeSet();
      const bits: boolean[] = new Array(SPACE).fill(false);
      for (const {
        how,
        range: { offset, length },
      } of steps) {
        set[how]({ offset, length });
        bits.fill(how === 'add', offset, offset + length);
        const runs = runsOf(bits);
        expect([...set].map((run) => [run.offset, run.length])).toEqual(runs);
        expect(set.total).toBe(bits.filter(Boolean).length);
        expect(set.isEmpty).toBe(runs.length === 0);
        expect(set.runs).toBe(runs.length);
        expect(set.first && [set.first.offset, set.first.length]).toEqual(runs[0]);
      }
      const inside = (i: number): boolean => i >= question.offset && i < question.offset + question.length;
      expect(set.has(question)).toBe(bits.every((bit, i) => bit || !inside(i)));
      const missing = set.missingIn(question);
      expect([...missing].map((run) => [run.offset, run.length])).toEqual(
        runsOf(bits.map((bit, i) => !bit && inside(i))),
      );
    }),
  );
});

const someRanges = fc.array(range, { maxLength: 12 });

test('what two sets have in common, and what one has alone, are those of their bitmaps', () => {
  fc.assert(
    fc.property(someRanges, someRanges, (some, others) => {
      const bitsOf = (ranges: typeof some): boolean[] => {
        const bits: boolean[] = new Array(SPACE).fill(false);
        for (const { offset, length } of ranges) bits.fill(true, offset, offset + length);
        return bits;
      };
      const [a, b] = [new RangeSet(some), new RangeSet(others)];
      const [aBits, bBits] = [bitsOf(some), bitsOf(others)];
      const check = (set: RangeSet, bits: readonly boolean[]): void => {
        expect([...set].map((run) => [run.offset, run.length])).toEqual(runsOf(bits));
        expect(set.total).toBe(bits.filter(Boolean).length);
      };
      check(
        a.without(b),
        aBits.map((bit, i) => bit && !bBits[i]),
      );
      check(
        a.within(b),
        aBits.map((bit, i) => bit && bBits[i]!),
      );
      check(a, aBits);
      check(b, bBits);
    }),
  );
});
