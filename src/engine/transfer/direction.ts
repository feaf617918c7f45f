/**
 * All that differs between the directions of a transfer. The run owns connections, scheduling, digests and totals; a file
 * job owns the ledger, the verification and the resume of one file. Both reach the two sides only through these interfaces.
 */
import type { CopyError } from '../../errors.ts';
import type { Range } from '../../remotes/remote.ts';
import type { ConnectionAccess } from '../connections/connection-access.ts';
import type { ConnectionPool } from '../connections/connection-pool.ts';
import type { TransferEventBody, VerifiedBytes } from '../events.ts';
import type { JournalStore } from '../resume/file-journal.ts';
import type { Counters } from '../runner/counters.ts';
import type { RunnerCommand, RunnerReport } from '../runner/piece-runner.ts';
import type { Runners } from '../runner/runners.ts';
import type { Order, Scheduler } from '../schedule/scheduler.ts';
import type { DigestProviders } from '../verify/digest-providers.ts';
import type { Verify } from './verify.ts';

/** A file that is going to be copied. A direction adds what it needs itself. */
export interface PlannedFile {
  /** For events: reversible text of the paths. */
  readonly paths: { readonly source: string; readonly target: string };
  /** Bytes; 0 where it is not known. */
  readonly size: number;
  /** Whether only reading the source to its end tells its size. */
  readonly isStream: boolean;
  /** Whether there is a target already, which is going to be replaced. */
  readonly replaces: boolean;
}

/** A file that cannot be copied, because it has no target. */
export interface UnplannedFile extends Omit<PlannedFile, 'replaces'> {
  readonly error: CopyError;
}

export interface Totals {
  readonly files: number;
  /** Without the files whose size is not known. */
  readonly bytes: number;
  /** Files whose size is not known. */
  readonly streams: number;
}

export interface Preparation {
  /** What two runs must not work on at a time. */
  readonly lockRoot: Uint8Array;
  /** For events: reversible text. */
  readonly destination: string;
  /** The files that are known before they are planned. What is planned beyond that is added to the totals. */
  readonly known: Totals;
  /** Sources that cannot be copied; they are in no totals. */
  readonly failures: readonly UnplannedFile[];
}

export interface Direction<File extends PlannedFile = PlannedFile> {
  readonly name: 'upload' | 'download';
  /**
   * Looks at the destination. Nothing is written yet.
   * @throws {CopyError} why nothing can be copied
   */
  prepare(access: ConnectionAccess): Promise<Preparation>;
  /**
   * The files, in order, planned while earlier ones are copied. The other side is looked up ahead, many files at a time.
   * @throws {CopyError} scope `run`
   */
  files(access: ConnectionAccess): AsyncIterable<File | UnplannedFile>;
  /**
   * The job of a file: a `FileJob` with its `FileTransfer`, unless the file is copied in another way as a whole. The
   * destination is locked; directories that are missing on the way to it are created first.
   * @throws {CopyError} why this file cannot be copied, or with scope `run` why no other can be either
   */
  open(number: number, file: File, services: JobServices): Promise<RunningJob>;
}

export interface FileResult {
  readonly bytes: number;
  /** Whether the size of the target was read back and is right. */
  readonly sizeVerified: boolean;
  readonly verified: Pick<VerifiedBytes, 'byDigest' | 'byReadBack'>;
}

/** Why a file job failed, and what is left of it. */
export interface Examined {
  readonly failure: CopyError;
  /** Bytes that another run need not send. */
  readonly bytesKept: number;
  /** Whether they were seen after the failure. */
  readonly isSeen: boolean;
}

/** The answer of a runner to a command that is not a task. */
export type RunnerAnswer = Extract<RunnerReport, { kind: 'probed' | 'left' | 'file-closed' }>;

/** A file job, as the run sees it. */
export interface RunningJob {
  /** Resolves when the target is in its place; rejects with a CopyError. Either way nothing of it is in use any more. */
  run(): Promise<FileResult>;
  /** After a failure. Never rejects. */
  examine(failure: CopyError): Promise<Examined>;
  readonly bytesAcknowledged: number;
  /** Bytes that an earlier run had sent, and that are still right. */
  readonly bytesResumed: number;
  /** Whether its size is not known before its end. */
  readonly isStream: boolean;
  /** Whether bytes are being brought to the disk: the server may answer nothing meanwhile. */
  readonly isSyncing: boolean;
  /** The command that carries a range. */
  command(task: number, connection: number, range: Range): RunnerCommand;
  acknowledged(parts: readonly Range[]): void;
  hashed(report: Extract<RunnerReport, { kind: 'hashed' }>): void;
  taskEnded(connection: number, error: CopyError | undefined): void;
  /** The answer to a command that is not a task; it may have been another job's. */
  answered(report: RunnerAnswer): void;
  connectionOpened(): void;
  connectionLost(connection: number): void;
  serverMayHaveRestarted(): void;
  /** Whether `connection` may be closed and opened anew now, if it has no task. */
  mayRelocate(connection: number): boolean;
  /** Called a few times a second. */
  tick(nowMs: number): void;
  /** The run is over. */
  fail(error: CopyError): void;
}

export interface JobOptions {
  readonly pieceSize: number | 'auto';
  readonly verify: Verify;
  readonly retryForMs: number;
}

/** Tells observers. */
export interface Report {
  emit(event: TransferEventBody): void;
  notice(code: string, message: string, level?: 'info' | 'warning'): void;
}

/** Whether the server has run on since something was acknowledged. */
export interface Continuity {
  /** Changes whenever a restart cannot be ruled out. */
  readonly epoch: number;
  isWitness(connection: number): boolean;
  /**
   * Resolves when it is known whether the server has run on since before `connection` was opened: then it is a witness,
   * or the jobs have been told that the server may have been restarted.
   */
  assure(connection: number): Promise<void>;
}

/** Gives ranges to connections. */
export interface Dispatcher {
  /** Gives idle connections something to do. */
  dispatch(): void;
  /** Carries out an order of the scheduler. */
  carryOut(order: Order): void;
}

/** What the run offers to file jobs. A job passes to each of its parts only what that part needs. */
export interface JobServices {
  readonly options: JobOptions;
  readonly access: ConnectionAccess;
  readonly pool: Pick<ConnectionPool, 'open' | 'drop' | 'wanted'>;
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
