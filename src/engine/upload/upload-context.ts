/** What the parts of an upload's file job need of the run it belongs to. */
import type { CopyError } from '../../errors.ts';
import type { RemoteConnection } from '../../remotes/remote.ts';
import type { OnConnectionOptions } from '../connections/connection-access.ts';
import type { TransferEventBody } from '../events.ts';
import type { JournalStore } from '../resume/file-resume.ts';
import type { Counters } from '../runner/counters.ts';
import type { Runners } from '../runner/runners.ts';
import type { Order, Scheduler } from '../schedule/scheduler.ts';
import type { Continuity, JobOptions, JobServices } from '../transfer/direction.ts';
import type { DigestProviders } from '../verify/digest-providers.ts';
import type { Writers } from './writers.ts';

/** What only uploads are told. */
export interface UploadOptions {
  /** Path on the server; empty: the home directory. */
  readonly destination: Uint8Array;
  /** Write the target itself. */
  readonly inplace: boolean;
  /** Give the target the mode bits and times of the source. */
  readonly preserve: boolean;
}

export interface UploadJobOptions extends JobOptions, UploadOptions {
  /** Undefined: nothing is kept for another run. */
  readonly journals?: JournalStore | undefined;
}

export interface UploadContext {
  readonly options: UploadJobOptions;
  readonly scheduler: Scheduler;
  readonly counters: Counters;
  readonly pool: JobServices['pool'];
  readonly runner: Runners;
  readonly writers: Writers;
  readonly continuity: Pick<Continuity, 'epoch' | 'isWitness'>;
  readonly digests: DigestProviders;
  /** What ended the run, once it did. */
  readonly error: CopyError | undefined;
  emit(event: TransferEventBody): void;
  notice(code: string, message: string, level?: 'info' | 'warning'): void;
  /** Carries out an order of the scheduler. */
  give(order: Order): void;
  /**
   * Resolves when it is known whether the server has run on since before `connection` was opened: then it is a witness,
   * or the jobs have been told that the server may have been restarted.
   */
  assureContinuity(connection: number): Promise<void>;
  /** Something came over the line, beside acknowledgements. */
  progressed(): void;
  /** Gives idle connections something to do. */
  pump(): void;
  /**
   * Does something on an open connection of this thread; when that connection fails, on another. Waits for one as long
   * as the pool has hope.
   */
  onConnection<T>(
    work: (connection: number, remote: RemoteConnection) => Promise<T>,
    options?: OnConnectionOptions,
  ): Promise<T>;
  /**
   * Does something on a connection of this thread that is open, at the first attempt and also when the run is over. Undefined
   * where there is none, or it fails, or takes longer than `limitMs`: for what only serves to tell more.
   */
  onAnyOpen<T>(work: (remote: RemoteConnection) => Promise<T>, limitMs: number): Promise<T | undefined>;
}

export function uploadContext(services: JobServices, writers: Writers, options: UploadOptions): UploadContext {
  const { access, pool, runner, scheduler, dispatcher, counters, continuity, digests, journals, report, signal } =
    services;
  return {
    options: { ...services.options, ...options, journals },
    scheduler,
    counters,
    pool,
    runner,
    writers,
    continuity,
    digests,
    get error() {
      return signal.aborted ? signal.reason : undefined;
    },
    emit: (event) => report.emit(event),
    notice: (code, message, level) => report.notice(code, message, level),
    give: (order) => dispatcher.carryOut(order),
    assureContinuity: async (connection) => {
      await continuity.assure(connection);
      signal.throwIfAborted();
    },
    progressed: () => access.progressed(),
    pump: () => dispatcher.dispatch(),
    onConnection: (work, how) => access.onConnection(work, how),
    onAnyOpen: (work, limitMs) => access.onAnyOpen(work, limitMs),
  };
}
