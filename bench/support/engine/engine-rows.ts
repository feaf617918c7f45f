/** The parts of the engine that are measured, each in a process of its own. */
import { CONNECTIONS, PIECES, SMALL_FILES } from './engine-scene.ts';
import { journal } from './journal-row.ts';
import { firstRanges, smallFiles, wholeFile } from './scheduler-rows.ts';
import { verifier } from './verifier-row.ts';

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
];
