import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { combinations, pairwise } from '../../support/pairwise.ts';

interface Row {
  a: number;
  b: number;
  c: number;
  d: number;
}

const sizes = fc.integer({ min: 1, max: 6 }).map((size) => Array.from({ length: size }, (_, value) => value));
const factors = fc.record({ a: sizes, b: sizes, c: sizes, d: sizes });

/** `a=1,c=2` for every two cells. */
function pairsIn(rows: readonly Row[]): Set<string> {
  const cells = (row: Row) => Object.entries(row).map(([name, value]) => `${name}=${value}`);
  return new Set(rows.flatMap((row) => cells(row).flatMap((one) => cells(row).map((other) => `${one},${other}`))));
}

describe('pairwise', () => {
  it('lets any two values meet', () => {
    fc.assert(
      fc.property(factors, (of) => {
        expect(pairsIn(pairwise<Row>(of))).toEqual(pairsIn(combinations<Row>(of)));
      }),
    );
  });

  it('makes few rows of many', () => {
    const six = [0, 1, 2, 3, 4, 5];
    expect(combinations<Row>({ a: six, b: six, c: six, d: six })).toHaveLength(1296);
    expect(pairwise<Row>({ a: six, b: six, c: six, d: six }).length).toBeLessThanOrEqual(55);
  });

  it('leaves out what is not allowed, and nothing beside it', () => {
    const allowed = ({ a, b, c }: Row) => a !== b && c + a !== 2;
    fc.assert(
      fc.property(factors, (of) => {
        const rows = pairwise<Row>(of, allowed);
        expect(rows.every(allowed)).toBe(true);
        expect(pairsIn(rows)).toEqual(pairsIn(combinations<Row>(of, allowed)));
      }),
    );
  });

  it('makes the same rows each time', () => {
    const of = { a: [1, 2, 3], b: [1, 2], c: [1, 2, 3], d: [1] };
    expect(pairwise<Row>(of)).toEqual(pairwise<Row>(of));
  });
});
