import { describe, expect, it } from 'vitest';
import { inTurn } from '../../../bench/support/in-turn.ts';

describe('inTurn', () => {
  it('runs one of each, then again one of each', () => {
    expect(inTurn(['a', 'b', 'c'], () => 2)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  it('goes on with those that run more often', () => {
    expect(inTurn(['a', 'b', 'c'], (item) => (item === 'b' ? 3 : 1))).toEqual(['a', 'b', 'c', 'b', 'b']);
  });

  it('has nothing to do without anything to run', () => {
    expect(inTurn([], () => 5)).toEqual([]);
  });
});
