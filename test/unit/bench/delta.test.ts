import { copyFile, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { missingBytes } from '../../../bench/support/missing-bytes.ts';
import { CHANGED_BYTES, writeOldVersions } from '../../../bench/support/old-versions.ts';
import type { SceneResults } from '../../../bench/support/scene-results.ts';
import { show } from '../../../bench/support/sheet.ts';
import { deltaSheet } from '../../../bench/support/sheets/delta.ts';
import type { TransferScene } from '../../../bench/support/transfer-scene.ts';
import { writeUnrepeatedFile } from '../../../bench/support/unrepeated-file.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { environment } from './sample-results.ts';

const MIB = 2 ** 20;
const SIZE = 20 * MIB;

describe('writeUnrepeatedFile', () => {
  it('writes as many bytes as asked for, and none twice', async () => {
    const dir = await makeTempDir();
    onTestFinished(dir.remove);
    await writeUnrepeatedFile(dir.file('file'), 2.5 * MIB);
    const content = await readFile(dir.file('file'));
    expect(content.length).toBe(2.5 * MIB);
    expect(content.indexOf(content.subarray(0, 16), 1)).toBe(-1);
  });
});

describe('writeOldVersions', () => {
  it('puts an older version, an unlike file or nothing into the place of the target', async () => {
    const dir = await makeTempDir();
    onTestFinished(dir.remove);
    const [source, target] = [dir.file('source.bin'), join(dir.path, 'target.bin')];
    await writeUnrepeatedFile(source, SIZE);
    const putOld = await writeOldVersions({ source, landing: dir.path, workDir: dir.path } as TransferScene);

    await putOld('none', 'target.bin');
    await expect(stat(target)).rejects.toThrow('ENOENT');

    await putOld('changed', 'target.bin');
    expect(await missingBytes(source, target)).toBe(CHANGED_BYTES);
    expect((await stat(target)).mtimeMs).toBeLessThan((await stat(source)).mtimeMs);

    await copyFile(source, target);
    await putOld('unlike', 'target.bin');
    expect((await stat(target)).size).toBe(SIZE);
    expect(await missingBytes(source, target)).toBe(SIZE);
  });
});

describe('the sheet of delta', () => {
  const results: SceneResults = {
    ...environment,
    scene: 'delta',
    bytes: 256 * MIB,
    missingBytes: CHANGED_BYTES,
    connections: 10,
    bytesPerSecondPerConnection: 2e6,
    roundTripMs: 40,
    landsIn: 'memory',
    median: { 'plain-up': {}, 'changed-up': {}, 'rsync-up': {}, 'unlike-up': {}, 'new-up': {}, 'changed-down': {} },
    runs: [
      { tool: 'plain-up', seconds: 13.5 },
      { tool: 'changed-up', seconds: 2, bytesSent: 13 * MIB },
      { tool: 'rsync-up', seconds: 8 },
      { tool: 'unlike-up', seconds: 16.8 },
      { tool: 'new-up', seconds: 14 },
      { tool: 'changed-down', seconds: 3 },
    ],
  };

  it('compares the cases of one direction', () => {
    const { head, rows, bars } = show(deltaSheet, results);
    expect(head.slice(0, 6)).toEqual(['', 'runs', 'seconds', '÷ rsync', '÷ no old file', 'sent MiB']);
    expect(rows.map((cells) => [cells[0], ...cells.slice(2, 6)])).toEqual([
      ['plain-up', '13.50', '-', '-', '-'],
      ['changed-up', '2.00', '0.25', '0.14', '13.0'],
      ['rsync-up', '8.00', '1.00', '-', '-'],
      ['unlike-up', '16.80', '-', '1.20', '-'],
      ['new-up', '14.00', '-', '1.00', '-'],
      ['changed-down', '3.00', '-', '-', '-'],
    ]);
    expect(bars).toEqual([
      'mtput, nothing matches, time ÷ no old file: 1.2 (at most 1.1 is wanted): MISSED',
      'mtget, nothing matches, time ÷ no old file: not measured (at most 1.1 is wanted)',
    ]);
    expect(deltaSheet.measured(results)).toContain('A file of 256 MiB is copied over an older version of it');
  });
});
