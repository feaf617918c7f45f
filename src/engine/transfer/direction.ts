/**
 * The interfaces behind which the directions of a transfer differ. The run owns connections, scheduling, digests and
 * totals; a file job owns the ledger, the verification and the resume of one file. Neither reaches the source or the
 * target in any other way.
 */
import type { CopyError } from '../../errors.ts';
import type { ConnectionAccess } from '../connections/connection-access.ts';
import type { ConnectionPool } from '../connections/connection-pool.ts';
import type { TransferEventBody, VerifiedBytes } from '../events.ts';
import type { JournalStore } from '../resume/file-journal.ts';
import type { Counters } from '../runner/counters.ts';
import type { RunnerReport } from '../runner/piece-runner.ts';
import type { Runners } from '../runner/runners.ts';
import type { Scheduler } from '../schedule/scheduler.ts';
import type { TaskOwner, TaskRouter } from '../schedule/task-router.ts';
import type { TreeDirectory } from '../tree/tree-directory.ts';
import type { DigestProviders } from '../verify/digest-providers.ts';
import type { OverwrittenTarget } from './target-state.ts';
import type { Verify } from './verify.ts';

/** A file that is going to be copied. A direction adds properties of its own. */
export interface PlannedFile {
  /** For events: reversible text of the paths. */
  readonly paths: { readonly source: string; readonly target: string };
  /** Bytes; 0 where it is not known. */
  readonly size: number;
  /** Whether only reading the source to its end tells its size. */
  readonly isStream: boolean;
  /** Whether there is a target already, which is going to be replaced. */
  readonly replaces: boolean;
  /** The directory of a tree that it goes into; undefined: it was named itself. */
  readonly directory?: TreeDirectory | undefined;
  /** Whether its contents are compared with those of the target first, because it may be up to date. */
  readonly isCompared?: boolean;
}

/** A file that cannot be copied, and why. */
export interface UnplannedFile extends Omit<PlannedFile, 'replaces'> {
  readonly error: CopyError;
}

/** A file that need not be copied: it is up to date, or exists and is not to be replaced. */
export type SkippedFile = Pick<PlannedFile, 'paths' | 'size'>;

/** Takes what a direction plans. */
export interface PlanSink<File extends PlannedFile> {
  /** Resolves when there is room for the next file. */
  add(file: File): Promise<void>;
  fail(file: UnplannedFile): void;
  skip(file: SkippedFile): void;
  /** Something that is no file was made at the target, such as a link. */
  made(paths: PlannedFile['paths']): void;
  /** A dry run would remove what an earlier run has left at `target`. */
  wouldRemove(target: string, size: number): void;
}

export interface Totals {
  readonly files: number;
  /** Without the files whose size is not known. */
  readonly bytes: number;
  /** Files whose size is not known. */
  readonly streams: number;
}

export interface LockRoot {
  /** Absolute, without symbolic links. */
  readonly path: Uint8Array;
  /** Whether it is on this machine rather than on the server. */
  readonly isLocal: boolean;
}

export interface Preparation {
  /** What only one run may work on at a time. */
  readonly lockRoot: LockRoot;
  /** For events: reversible text. */
  readonly destination: string;
  /** The files that are known before they are planned. Files that are planned beyond these are added to the totals. */
  readonly known: Totals;
  /** Whether trees are going to be walked, so that there may be more files. Default: false. */
  readonly isGrowing?: boolean;
  /** Bytes of each source, if only the server could tell them. How many connections are wanted depends on them. */
  readonly sizes?: readonly number[];
  /** Sources that cannot be copied. The totals do not include them. */
  readonly failures: readonly UnplannedFile[];
}

export interface Direction<File extends PlannedFile = PlannedFile> {
  readonly name: 'upload' | 'download';
  /**
   * Examines the destination and writes nothing.
   * @throws {CopyError} any code: why nothing can be copied
   */
  prepare(access: ConnectionAccess): Promise<Preparation>;
  /**
   * Plans the files while earlier ones are copied; the other side is asked about many files at a time, ahead of their
   * use. If trees are walked, the destination is locked by then. `services`: those of the file jobs.
   * @throws {CopyError} scope `run`: no more files can be planned
   */
  plan(services: JobServices, sink: PlanSink<File>): Promise<void>;
  /**
   * Resolves when what is done after the last file of a directory has ended. To be called when no file is in progress.
   * `hasSucceeded`: whether every file was copied or need not be; to be called afterwards, because what is done may fail.
   * @throws {CopyError} scope `run`
   */
  settled?(hasSucceeded: () => boolean): Promise<void>;
  /**
   * Returns the job of a file: a `FileJob` with its `FileTransfer`, unless the file is copied in another way. Creates
   * missing directories of the destination first. The destination is locked by then. `number`: of the job, from 1,
   * unique in the run.
   * @throws {CopyError} any code: why this file cannot be copied; scope `run`: why no other can be copied either
   */
  open(number: number, file: File, services: JobServices): Promise<RunningJob>;
  /**
   * Copies a small file as a whole, if possible over `connection`. Absent: every file has a job.
   * @throws {CopyError} any code: a file job may still be able to copy it
   */
  copySmall?(file: File, connection: number | undefined, services: JobServices): Promise<FileResult>;
  /**
   * Whether the target has the contents of the source, which has the same size. Undefined: it cannot be found out.
   * @throws {CopyError} any code: why it cannot
   */
  isUpToDate?(file: File, services: JobServices): Promise<boolean | undefined>;
}

export interface FileResult {
  readonly bytes: number;
  /** Whether the size of the target was read back and is right. */
  readonly isSizeVerified: boolean;
  readonly verified: Pick<VerifiedBytes, 'byDigest' | 'byReadBack'>;
  /** Whether it was not made durable, because that takes too long for many small files. Default: false. */
  readonly isNotSynced?: boolean;
}

/** Why a file job failed, and what the server has of the file. */
export interface Examined {
  readonly failure: CopyError;
  /** Bytes that another run need not send. */
  readonly bytesKept: number;
  /** Whether the server was asked for them after the failure, and has them. */
  readonly isSeen: boolean;
  /** The target, if it was written in place. */
  readonly overwritten?: OverwrittenTarget;
}

/** The answer of a runner to a command that is not a task. */
export type RunnerAnswer = Extract<RunnerReport, { kind: 'probed' | 'left' | 'file-closed' }>;

/** A file job, as the run uses it. */
export interface RunningJob extends TaskOwner {
  /**
   * Resolves when the target is in its place; rejects with a CopyError. In both cases, the job uses nothing any more.
   */
  run(): Promise<FileResult>;
  /** To be called after {@link run} has rejected. Never rejects. */
  examine(failure: CopyError): Promise<Examined>;
  readonly bytesAcknowledged: number;
  /** Bytes that an earlier run had sent and that are still right. */
  readonly bytesResumed: number;
  /** Whether its size is not known before its end. */
  readonly isStream: boolean;
  /** Whether the server syncs the file, so that it may answer nothing else. */
  isSyncing(nowMs: number): boolean;
  /** A runner has answered a command of this job that is not a task. */
  onAnswer(report: RunnerAnswer): void;
  onConnectionOpened(): void;
  onConnectionLost(connection: number): void;
  onServerMayHaveRestarted(): void;
  /** Whether `connection` may be closed and opened anew, if it has no task. */
  mayRelocate(connection: number): boolean;
  /** Called a few times a second. */
  onTick(nowMs: number): void;
  /** The run is over because of `error`. */
  onRunOver(error: CopyError): void;
}

export interface JobOptions {
  readonly pieceSize: number | 'auto';
  readonly verify: Verify;
  readonly retryForMs: number;
}

/** Passes events to the observers. */
export interface Report {
  emit(event: TransferEventBody): void;
  notice(code: string, message: string, level?: 'info' | 'warning'): void;
}

/** Whether the server has run without a restart since something was acknowledged. */
export interface Continuity {
  /** Changes whenever a restart cannot be ruled out. */
  readonly epoch: number;
  isWitness(connection: number): boolean;
  /**
   * Resolves when it is known whether the server has run without a restart since before `connection` was opened: then
   * the connection is a witness, or the jobs have been told that the server may have been restarted.
   */
  assure(connection: number): Promise<void>;
}

/** Gives ranges to connections. */
export type Dispatcher = Pick<TaskRouter, 'dispatch' | 'carryOut'>;

/** What the run offers to file jobs. A job passes to each of its parts only what that part needs. */
export interface JobServices {
  readonly options: JobOptions;
  readonly access: ConnectionAccess;
  readonly pool: Pick<ConnectionPool, 'open' | 'drop' | 'wanted' | 'limit'>;
  readonly runner: Runners;
  readonly scheduler: Scheduler;
  readonly dispatcher: Dispatcher;
  readonly counters: Counters;
  readonly continuity: Continuity;
  readonly digests: DigestProviders;
  /** Undefined: nothing is kept for another run. */
  readonly journals: JournalStore | undefined;
  readonly report: Report;
  /** Aborted when the run is over; its reason is the CopyError that ended it. */
  readonly signal: AbortSignal;
}
