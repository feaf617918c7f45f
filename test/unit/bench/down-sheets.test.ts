import { describe, expect, it } from 'vitest';
import { changingLines } from '../../../bench/support/changing-lines.ts';
import { reportText } from '../../../bench/support/report-text.ts';
import type { SceneResults } from '../../../bench/support/scene-results.ts';
import { type Sheet, show } from '../../../bench/support/sheet.ts';
import { bulkSheet } from '../../../bench/support/sheets/bulk.ts';
import { longSheet } from '../../../bench/support/sheets/long.ts';
import { memorySheet } from '../../../bench/support/sheets/memory.ts';
import { shapedSheet } from '../../../bench/support/sheets/shaped.ts';
import { hasMany } from '../../../bench/support/tools/tool.ts';
import { bulk, environment } from './sample-results.ts';

/** Of a download by mtget that took `seconds`, beside one by scp that took 2 s. */
function results(seconds: number): SceneResults {
  return {
    ...environment,
    scene: 'any',
    bytes: 2 ** 30,
    connections: 2,
    median: { mtget: {}, scp: {} },
    runs: [
      { tool: 'mtget', seconds, ratio: seconds / 2, maxRssMiB: 200 },
      { tool: 'scp', seconds: 2 },
    ],
  };
}

describe('the sheets of downloads', () => {
  it.each<[string, (direction: 'down') => Sheet, string]>([
    ['shaped', shapedSheet, 'mtget, time ÷ limit: 1.08 (at most 1.08 is wanted): holds'],
    ['bulk', bulkSheet, 'mtget, time ÷ scp: 1.08 (at most 1 is wanted): MISSED'],
    ['long', longSheet, 'mtget: 2.16 s (at most 7.5 s is wanted): holds'],
    ['memory', memorySheet, 'mtget over loopback: 209.715 MB (at most 220 MB is wanted): holds'],
  ])('judge mtget in %s', (scene, sheet, bar) => {
    expect(sheet('down').scene).toBe(`${scene}-down`);
    expect(show(sheet('down'), results(2.16)).bars).toEqual([bar]);
  });

  it('stand behind those of the uploads', () => {
    const text = reportText({ bulk, 'bulk-down': { ...results(2), scene: 'bulk-down' } });
    expect(text.match(/^## .*/gm)).toEqual([
      '## As fast as the processor',
      '## As fast as the processor, for downloads',
    ]);
    expect(text).toContain('A download of 1 GiB over loopback from OpenSSH');
    expect(text).toContain('`npm run bench -- bulk-down`');
    expect(text.split('\n').filter((line) => line.length > 120)).toEqual([]);
  });
});

describe('changingLines', () => {
  it('are the same in both directions, but hold back what goes against the data', () => {
    const [up, down] = [changingLines('up'), changingLines('down')];
    expect(down.map(({ name }) => name)).toEqual(up.map(({ name }) => name));
    const differing = down.filter(({ label }, index) => label !== up[index]?.label);
    expect(differing.map(({ label }) => label)).toEqual(['20 ms, every 10 s no requests for 1 s']);
  });
});

describe('hasMany', () => {
  it('tells which tools open many connections', () => {
    const [own, scp, lftp] = [{ name: 'mtget' }, { name: 'scp' }, { name: 'lftp', rival: 'lftp' as const }];
    expect([own, scp, lftp].map((tool) => hasMany(tool, 'down'))).toEqual([true, false, true]);
    expect(hasMany(lftp, 'up')).toBe(false);
  });
});
