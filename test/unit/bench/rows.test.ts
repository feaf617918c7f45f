import { describe, expect, it } from 'vitest';
import { type Run, rowsOf } from '../../../bench/support/rows.ts';

const ITEMS = [
  { name: 'mtput', label: 'mtput -n 2' },
  { name: 'scp', label: 'scp' },
  { name: 'lftp', label: 'lftp' },
];

const RUNS: readonly Run[] = [
  { tool: 'mtput', seconds: 3, cpuSeconds: 1, maxRssMiB: 60 },
  { tool: 'scp', seconds: 5 },
  { tool: 'mtput', seconds: 1, cpuSeconds: 3 },
  { tool: 'mtput', seconds: 2, cpuSeconds: 2, maxRssMiB: 80 },
];

describe('rowsOf', () => {
  it('takes medians of what was measured, and leaves out what was not', () => {
    expect(rowsOf(ITEMS, RUNS)).toEqual([
      { name: 'mtput', label: 'mtput -n 2', runs: 3, seconds: 2, cpuSeconds: 2, maxRssMiB: 70 },
      { name: 'scp', label: 'scp', runs: 1, seconds: 5 },
    ]);
  });
});
