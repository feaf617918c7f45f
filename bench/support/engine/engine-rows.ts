/** The parts of the engine that are measured, and whole runs, each in a process of its own. */
import { CONNECTIONS, PIECES, SMALL_FILE_BYTES, SMALL_FILES, TIB } from './engine-scene.ts';
import { journal } from './journal-row.ts';
import { millionFiles } from './million-files.ts';
import { firstRanges, smallFiles, wholeFile } from './scheduler-rows.ts';
import { verifier } from './verifier-row.ts';
import { copyGenerated, uploadToMemory } from './whole-runs.ts';

export interface EngineRow {
  readonly name: string;
  readonly label: string;
  readonly run: () => void | Promise<void>;
}

const connections = CONNECTIONS.toLocaleString('en');
const pieces = PIECES.toLocaleString('en');
const files = SMALL_FILES.toLocaleString('en');

export const ENGINE_ROWS: readonly EngineRow[] = [
  { name: 'nothing', label: 'nothing: the process alone', run: () => {} },
  { name: 'first-ranges', label: `scheduler: ${connections} first ranges, 100 times`, run: firstRanges },
  { name: 'whole-file', label: `scheduler: 1 TiB, ${connections} connections`, run: wholeFile },
  { name: 'small-files', label: `scheduler: ${files} small files, ${connections} connections`, run: smallFiles },
  { name: 'journal', label: `journal: ${pieces} pieces written, read, asked`, run: journal },
  { name: 'verifier', label: `verifier: ${pieces} pieces`, run: verifier },
  { name: 'run', label: 'whole run: 1 TiB, 10 connections', run: () => copyGenerated(TIB, 1, 10) },
  {
    name: 'run-connections',
    label: `whole run: 1 TiB, ${connections} connections`,
    run: () => copyGenerated(TIB, 1, CONNECTIONS),
  },
  {
    name: 'run-files',
    label: `whole run: ${files} files of 4 KiB, 10 connections`,
    run: () => copyGenerated(SMALL_FILE_BYTES, SMALL_FILES, 10),
  },
  {
    name: 'run-files-connections',
    label: `whole run: ${files} files of 4 KiB, ${connections} connections`,
    run: () => copyGenerated(SMALL_FILE_BYTES, SMALL_FILES, CONNECTIONS),
  },
  { name: 'million-files', label: 'whole run: a million files of 4 KiB, 10 connections', run: millionFiles },
  {
    name: 'upload-files',
    label: `upload: ${files} files of 4 KiB, 10 connections`,
    run: () => uploadToMemory(SMALL_FILE_BYTES, SMALL_FILES, 10),
  },
];
