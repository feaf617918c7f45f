/** The interface between a file job and the direction of its transfer. */
import type { CopyError } from '../../errors.ts';
import type { Abilities, Range } from '../../remotes/remote.ts';
import type { LocalDigests } from '../local/local-digests.ts';
import type { FileJournal, JournalSubject } from '../resume/file-journal.ts';
import type { PieceHashing } from '../runner/piece-hasher.ts';
import type { RunnerCommand } from '../runner/piece-runner.ts';
import type { Verified } from '../verify/file-verifier.ts';
import type { Examined, RunnerAnswer } from './direction.ts';
import type { JobLedger } from './job-ledger.ts';
import type { Claims } from './job-resume.ts';
import type { FileSides } from './job-verification.ts';
import type { SyncPoint } from './periodic-sync.ts';

/** What is there when an attempt begins. */
export interface Begun {
  /** By `choosePieceSize`, from the limits of the remote. */
  readonly pieceSize: number;
  readonly smallestCut: Abilities['smallestCut'];
  /** What an earlier run says is there, ascending and disjoint; undefined: nothing. */
  readonly claims?: Claims | undefined;
  /** The one connection that may work on the file; undefined: all. */
  readonly only?: number | undefined;
}

export interface Committed {
  /** Bytes of the target. */
  readonly bytes: number;
  /** Whether the size of the target was read back and is right. */
  readonly isSizeVerified: boolean;
}

/** What is known of a file job that failed. */
export interface FailedJobState {
  /** Bytes that were acknowledged in the end. */
  readonly bytesThere: number;
  readonly journal: FileJournal | undefined;
}

/**
 * All that differs between the directions for one file. What is optional is for a far side that may lose what it
 * acknowledged, or that does not let every connection write.
 */
export interface FileTransfer {
  /** For messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Of the local file. */
  readonly local: LocalDigests;
  /** What a journal is kept about; undefined: another run could not continue the file. */
  readonly journalSubject?: JournalSubject | undefined;
  /** Both sides of what was begun last. */
  readonly sides: FileSides;

  /**
   * Opens what the file is written to. `attempt` counts from 1. No connection works on the file.
   * @throws {CopyError} why the file cannot be copied
   */
  begin(attempt: number, journal: FileJournal | undefined): Promise<Begun>;
  /** The ledger is open. */
  onOpened?(): void;
  /** Ranges may be handed out from now on, at the beginning and after an interruption. */
  onTransferring?(): void;
  /** The command that carries a range: `send` or `receive`. */
  command(task: number, connection: number, range: Range, hashing: PieceHashing | undefined): RunnerCommand;

  /** Where what was acknowledged can be brought to the disk now; undefined: nowhere. */
  readonly syncPoint?: SyncPoint | undefined;
  /** Whether something is being found out for which the file is written. */
  readonly isProbing?: boolean;

  /** @throws {CopyError} `source-changed` */
  checkUnchanged(): Promise<void>;
  onAcknowledged?(parts: readonly Range[]): void;
  /** A task failed. Whether that is dealt with; otherwise it is the failure of the file. */
  onTaskFailed?(error: CopyError): boolean;
  /** The answer to a command that is not a task; it may have been another file's. */
  onAnswer?(answer: RunnerAnswer): void;
  onConnectionOpened?(): void;
  onConnectionLost?(connection: number): void;
  /** Whether `connection` may be closed and opened anew now, if it has no task. Default: true. */
  mayRelocate?(connection: number): boolean;
  /** Called a few times a second while the file is transferred. */
  onTick?(nowMs: number): void;
  /** The run is over. */
  onRunOver?(error: CopyError): void;

  /** Stops in such a way that the file can be continued. False: what was transferred is lost. Default: false. */
  suspend?(): Promise<boolean>;
  /** Continues after {@link suspend}, with all that is acknowledged. */
  continue?(): Promise<void>;
  /** Resolves when nothing that was begun beside the tasks is under way. */
  settle?(): Promise<void>;
  /**
   * Makes the target complete.
   * @throws {Interrupted} where it has to be continued first
   */
  commit(): Promise<Committed>;
  /** The file failed, and no connection works on it: what no run will continue is removed. */
  beforeKeep?(): Promise<void>;
  /** Nothing more is done with the far side; its closing is not waited for. */
  abandon(): void;
  /** Closes the local file. */
  close(): Promise<void>;
  /** After a failure. Never rejects. Default: nothing is kept. */
  examine?(failure: CopyError, state: FailedJobState): Promise<Examined>;
}

/** What a {@link FileTransfer} may do with its file job. */
export interface JobControl {
  readonly ledger: JobLedger;
  readonly isTransferring: boolean;
  /** Whether the file is being transferred, or is about to continue after an interruption. */
  readonly isOngoing: boolean;
  readonly verified: Verified;
  /** Whether the contents of all of it are verified. */
  readonly isVerified: boolean;

  /** Resolves when no connection works on the file; none begins to until {@link JobLedger.resume} for `drain`. */
  drain(): Promise<void>;
  /** Bytes were acknowledged outside of any task. */
  acknowledge(ranges: readonly Range[]): void;
  /** The file may be complete now. */
  onChanged(): void;

  /** Stops the transferring, if it is under way; it continues with what is still there. */
  interrupt(cause: CopyError): void;
  /** Stops the transferring, if it is under way; what was transferred is worth nothing. */
  startOver(cause: CopyError): void;
  /** The file begins again, also if it is interrupted now: more of it was found elsewhere. */
  beginAgain(): void;
  /** The file fails, if it is being transferred. */
  stop(error: CopyError): void;
  /** The file fails, also if it is interrupted now. */
  fail(error: unknown): void;

  /** See `findOverwritten`. */
  findOverwritten(): Promise<Range | undefined>;
  /** @throws {Interrupted} where acknowledged bytes may have been lost since the last of them was sent */
  expectKept(): void;
  /** The server's disk did not take what it should: no later sync is believed. */
  onSyncRefused(): void;
}
