/** What a file job needs of the run it belongs to. */
import type { CopyError } from '../../errors.ts';
import type { RemoteConnection } from '../../remotes/remote.ts';
import type { OnConnectionOptions } from '../connections/connection-access.ts';
import type { ConnectionPool, ConnectionPoolOptions } from '../connections/connection-pool.ts';
import type { ServerContinuity } from '../connections/server-continuity.ts';
import type { TransferEventBody } from '../events.ts';
import type { JournalStore } from '../resume/file-resume.ts';
import type { Counters } from '../runner/counters.ts';
import type { Runners } from '../runner/runners.ts';
import type { Order, Scheduler } from '../schedule/scheduler.ts';
import type { Writers } from '../upload/writers.ts';
import type { DigestOptions, DigestProviders } from '../verify/digest-providers.ts';
import type { Verify } from './direction.ts';

export interface UploadOptions extends ConnectionPoolOptions {
  /** Path on the server; empty: the home directory. */
  readonly destination: Uint8Array;
  readonly pieceSize: number | 'auto';
  readonly verify: Verify;
  readonly digests: DigestOptions;
  /** Write the target itself. */
  readonly inplace: boolean;
  /** Give the target the mode bits and times of the source. */
  readonly preserve: boolean;
  readonly dryRun: boolean;
  /** Undefined: nothing is kept for another run. */
  readonly journals?: JournalStore | undefined;
}

export interface UploadContext {
  readonly options: UploadOptions;
  readonly scheduler: Scheduler;
  readonly counters: Counters;
  readonly pool: ConnectionPool;
  readonly runner: Runners;
  readonly writers: Writers;
  readonly continuity: ServerContinuity;
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
