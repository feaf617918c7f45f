import { describe, expect, it } from 'vitest';
import { show } from '../../../bench/support/sheet.ts';
import { againSheet } from '../../../bench/support/sheets/again.ts';
import { environment } from './sample-results.ts';

describe('the sheet of again', () => {
  it('judges the repeated run by the first one, and the memory of both', () => {
    const { rows, bars } = show(againSheet, {
      ...environment,
      scene: 'again',
      files: 1000,
      directories: 10,
      median: { 'mtput-first': { label: 'mtput, first' }, 'mtput-again': { label: 'mtput, again' } },
      runs: [
        { tool: 'mtput-first', seconds: 10, maxRssMiB: 200 },
        { tool: 'mtput-again', seconds: 1.5, ratio: 0.15, maxRssMiB: 300 },
      ],
    });
    expect(rows.map((row) => row.slice(0, 5))).toEqual([
      ['mtput, first', '1', '10.00', '-', '100'],
      ['mtput, again', '1', '1.50', '0.15', '667'],
    ]);
    expect(bars.slice(0, 4)).toEqual([
      'mtput, again ÷ first: 0.15 (at most 0.1 is wanted): MISSED',
      'mtput, memory, first: 209.715 MB (at most 250 MB is wanted): holds',
      'mtput, memory, again: 314.573 MB (at most 250 MB is wanted): MISSED',
      'mtget, again ÷ first: not measured (at most 0.1 is wanted)',
    ]);
  });
});
