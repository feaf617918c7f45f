/** A file and its tasks, as the scheduler keeps them. */
import type { Range } from '../../remotes/remote.ts';
import { RangeSet } from '../../util/range-set.ts';
import type { Cuttable } from './cut-candidates.ts';
import type { FileLedger } from './file-ledger.ts';
import type { ReadyFile } from './ready-files.ts';
import type { Task } from './task-table.ts';

/**
 * Why no bytes of a file are handed out. `drain`: its tasks have to end first. `search`: the server may already have
 * its bytes.
 */
export type PauseReason = 'drain' | 'search';

export class ScheduledFile implements ReadyFile {
  readonly file: number;
  readonly sequence: number;
  readonly pieceSize: number;
  /** See `Abilities.smallestCut`. */
  readonly smallestCut: number;
  readonly ledger: FileLedger;
  only: number | undefined;
  /** The tasks that have not ended. */
  readonly tasks: Set<ScheduledTask> = new Set();
  /** Nothing is handed out while there is a reason. */
  readonly pausedFor: Set<PauseReason> = new Set();
  /** Nothing is handed out any more. */
  isRemoved = false;

  constructor(
    file: number,
    sequence: number,
    ledger: FileLedger,
    { pieceSize, smallestCut, only }: Pick<ScheduledFile, 'pieceSize' | 'smallestCut' | 'only'>,
  ) {
    this.file = file;
    this.sequence = sequence;
    this.ledger = ledger;
    this.pieceSize = pieceSize;
    this.smallestCut = smallestCut;
    this.only = only;
  }

  get isReady(): boolean {
    return !this.isRemoved && this.pausedFor.size === 0 && this.ledger.firstToDo !== undefined;
  }
}

export class ScheduledTask implements Task, Cuttable {
  readonly task: number;
  readonly connection: number;
  readonly file: ScheduledFile;
  readonly offset: number;
  /** Shorter after a cut. */
  length: number;
  readonly acknowledged: RangeSet = new RangeSet();
  /** No bytes are left to take. */
  isTaken = false;
  /** A cut has been asked for and not answered. */
  isBeingCut = false;
  /** The last cut gave nothing, because all bytes are in flight already. */
  isUncuttable = false;

  constructor(task: number, connection: number, file: ScheduledFile, { offset, length }: Range) {
    this.task = task;
    this.connection = connection;
    this.file = file;
    this.offset = offset;
    this.length = length;
  }

  /** Bytes that are neither acknowledged nor given to another task. */
  get outstanding(): number {
    return this.length - this.acknowledged.total;
  }

  get smallestCut(): number {
    return this.file.smallestCut;
  }

  get mayBeCut(): boolean {
    return !this.isTaken && !this.isBeingCut && !this.isUncuttable && this.file.pausedFor.size === 0;
  }
}
