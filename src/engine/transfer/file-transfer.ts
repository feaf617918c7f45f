/** The interface between a file job and the direction of its transfer. */
import type { CopyError } from '../../errors.ts';
import type { Abilities, Attributes, Range } from '../../remotes/remote.ts';
import type { LocalDigests } from '../local/local-digests.ts';
import type { FileJournal, JournalSubject } from '../resume/file-journal.ts';
import type { PieceHashing } from '../runner/piece-hasher.ts';
import type { RunnerCommand } from '../runner/piece-runner.ts';
import type { Verified } from '../verify/file-verifier.ts';
import type { Looked } from '../verify/second-look.ts';
import type { Examined, RunnerAnswer } from './direction.ts';
import type { JobLedger } from './job-ledger.ts';
import type { Claims } from './job-resume.ts';
import type { FileSides } from './job-verification.ts';
import type { SyncPoint } from './periodic-sync.ts';

/** How an attempt begins. */
export interface Begun {
  /** By `choosePieceSize`, from the limits of the remote. */
  readonly pieceSize: number;
  readonly smallestCut: Abilities['smallestCut'];
  /** Ranges that the server has according to an earlier run, ascending and disjoint; undefined: none. */
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

/** What is known about a file job that has failed. */
export interface FailedJobState {
  /** Bytes that were acknowledged when the job ended. */
  readonly bytesThere: number;
  readonly journal: FileJournal | undefined;
}

/**
 * The part of a file job that differs between the directions. The optional members are needed where the target is on a
 * side that may lose what it has acknowledged, or that does not let every connection write.
 */
export interface FileTransfer {
  /** For messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Digests of the local file. */
  readonly local: LocalDigests;
  /** What the journal of the file is about; undefined: another run could not continue the file. */
  readonly journalSubject?: JournalSubject | undefined;
  /** Both sides of the attempt that was begun last. */
  readonly sides: FileSides;

  /**
   * Opens what the file is written to. `attempt` counts from 1. No connection works on the file while this is called.
   * @throws {CopyError} any code: why the file cannot be copied
   */
  begin(attempt: number, journal: FileJournal | undefined): Promise<Begun>;
  /** The ledger was opened for this attempt. */
  onOpened?(): void;
  /** Ranges may be handed out from now on: at the beginning of an attempt and after an interruption. */
  onTransferring?(): void;
  /** The command that carries a range: `send` or `receive`. */
  command(task: number, connection: number, range: Range, hashing: PieceHashing | undefined): RunnerCommand;

  /** The connection on which the file can be synced now; undefined: there is none. */
  readonly syncPoint?: SyncPoint | undefined;
  /**
   * Looks at the file that is written, if that is on this machine, so that no restart of the server loses anything.
   * Undefined: it is on the server.
   */
  lookHere?(): Promise<Attributes>;
  /** Whether a probe is writing to the file. */
  readonly isProbing?: boolean;

  /** @throws {CopyError} `source-changed`: the source is not what it was when it was opened */
  checkUnchanged(): Promise<void>;
  onAcknowledged?(parts: readonly Range[]): void;
  /** A task failed. Returns whether this dealt with it; otherwise the file fails. */
  onTaskFailed?(error: CopyError, connection: number): boolean;
  /** A runner has answered a command of this file job that is not a task. */
  onAnswer?(answer: RunnerAnswer): void;
  onConnectionOpened?(): void;
  onConnectionLost?(connection: number): void;
  /** Whether `connection` may be closed and opened anew, if it has no task. Default: true. */
  mayRelocate?(connection: number): boolean;
  /** Called a few times a second while the file is transferred. */
  onTick?(nowMs: number): void;
  /** The run is over because of `error`. */
  onRunOver?(error: CopyError): void;

  /** Stops so that the file can be continued. Returns false if what was transferred is lost. Default: false. */
  suspend?(): Promise<boolean>;
  /** Continues after {@link suspend}, with everything that is acknowledged. */
  continue?(): Promise<void>;
  /** Resolves when no work other than tasks is in progress. */
  settle?(): Promise<void>;
  /**
   * Puts the complete file in the place of the target.
   * @throws {Interrupted} the file has to be continued first
   */
  commit(): Promise<Committed>;
  /** The file has failed, and no connection works on it. Removes what no run would continue. */
  beforeKeep?(): Promise<void>;
  /** Closes what is open on the server; this is not awaited. */
  abandon(): void;
  /** Closes the local file. */
  close(): Promise<void>;
  /** Examines what the server has after a failure. Never rejects. Default: nothing is kept. */
  examine?(failure: CopyError, state: FailedJobState): Promise<Examined>;
}

/** What a {@link FileTransfer} may do with its file job. */
export interface JobControl {
  readonly ledger: JobLedger;
  readonly isTransferring: boolean;
  /** Whether the file is being transferred, or will continue after an interruption. */
  readonly isOngoing: boolean;
  readonly verified: Verified;
  /** Whether the contents of all of it are verified. */
  readonly isVerified: boolean;

  /**
   * Resolves when no connection works on the file. No task begins until {@link JobLedger.resume} is called for `drain`.
   */
  drain(): Promise<void>;
  /** Bytes were acknowledged outside of any task. */
  acknowledge(ranges: readonly Range[]): void;
  /** The file may be complete now. */
  onChanged(): void;

  /** Interrupts the file if it is being transferred. It continues with what the server still has. */
  interrupt(cause: CopyError): void;
  /** Interrupts the file if it is being transferred. It begins again, because what was transferred is lost. */
  startOver(cause: CopyError): void;
  /** The file begins again, even if it is interrupted now, because the server has more of it elsewhere. */
  beginAgain(): void;
  /** The file fails, if it is being transferred. */
  stop(error: CopyError): void;
  /** The file fails, even if it is interrupted now. */
  fail(error: unknown): void;

  /** See `findOverwritten` of `second-look.ts`. */
  findOverwritten(): Promise<Looked>;
  /** @throws {Interrupted} acknowledged bytes may have been lost since the last of them was sent */
  expectKept(): void;
  /** The server could not store everything: no later sync is trusted. */
  onSyncRefused(error: CopyError): void;
}
