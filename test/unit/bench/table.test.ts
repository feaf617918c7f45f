import { describe, expect, it } from 'vitest';
import { markdownTable, table } from '../../../bench/support/table.ts';

const HEAD = ['', 'n'];
const ROWS = [
  ['mtput', '1'],
  ['a|b', '100'],
];

describe('table', () => {
  it('puts names to the left and figures to the right', () => {
    expect(table(HEAD, ROWS).split('\n')).toEqual(['         n', '-----  ---', 'mtput    1', 'a|b    100']);
  });
});

describe('markdownTable', () => {
  it('does the same, and keeps what is in a cell there', () => {
    expect(markdownTable(HEAD, ROWS).split('\n')).toEqual([
      '|  | n |',
      '|---|---:|',
      '| mtput | 1 |',
      '| a\\|b | 100 |',
    ]);
  });
});
