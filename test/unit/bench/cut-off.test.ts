import { describe, expect, it } from 'vitest';
import { measureProcess } from '../../../bench/support/harness.ts';
import { rowsOf } from '../../../bench/support/rows.ts';
import { measureRun } from '../../../bench/support/run-transfer.ts';
import type { SceneResults } from '../../../bench/support/scene-results.ts';
import { show } from '../../../bench/support/sheet.ts';
import { smallSheet } from '../../../bench/support/sheets/small.ts';
import { treeSheet } from '../../../bench/support/sheets/tree.ts';
import { environment } from './sample-results.ts';

describe('measureProcess with a limit', () => {
  const call = (program: string) => ({ command: process.execPath, args: ['-e', program], env: {} });

  it('ends what takes longer, which is no failure', async () => {
    const run = await measureRun('slow', call('setInterval(() => {}, 1000)'), (one) => measureProcess(one, 0.2));
    expect(run).toMatchObject({ tool: 'slow', seconds: 0.2, isCutOff: true });
  });

  it('leaves alone what does not', async () => {
    const run = await measureProcess(call(''), 60);
    expect(run).toMatchObject({ code: 0 });
    expect(run.isCutOff).toBeUndefined();
  });
});

describe('a row that was cut off', () => {
  const results: SceneResults = {
    ...environment,
    scene: 'any',
    bytes: 2_000_000,
    files: 1000,
    directories: 10,
    median: { mtput: {}, rsync: {}, rclone: {}, sftp: {} },
    runs: [
      { tool: 'mtput', seconds: 4 },
      { tool: 'rsync', seconds: 3 },
      { tool: 'rclone', seconds: 10, isCutOff: true },
      { tool: 'sftp', seconds: 10, isCutOff: true },
    ],
  };

  it('is marked', () => {
    expect(rowsOf([{ name: 'sftp', label: 'sftp' }], results.runs)[0]?.isCutOff).toBe(true);
    const { rows, bars } = show(smallSheet('up'), { ...results, plainSockets: { seconds: 1 } });
    expect(rows.map((row) => row.slice(2, 4))).toEqual([
      ['1.00', '1000'],
      ['4.00', '250'],
      ['3.00', '333'],
      ['> 10.00', '-'],
      ['> 10.00', '-'],
    ]);
    expect(bars).toEqual(['mtput: 4 s (at most 5 s is wanted): holds']);
  });

  it('bounds what it is compared with', () => {
    const { head, rows, bars } = show(treeSheet('up'), results);
    expect(head.slice(3, 5)).toEqual(['÷ rsync', '÷ rclone']);
    expect(rows.map((row) => row.slice(3, 5))).toEqual([
      ['1.33', '< 0.40'],
      ['1.00', '< 0.30'],
      ['> 3.33', '1.00'],
      ['> 3.33', '1.00'],
    ]);
    expect(bars).toEqual([
      'mtput, time ÷ rsync: 1.333 (at most 2 is wanted): holds',
      'mtput, time ÷ rclone: 0.4 (at most 0.45 is wanted): holds',
    ]);
  });
});
