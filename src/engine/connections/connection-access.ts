/**
 * Does something on an open connection of this thread. This is the only place that retries an operation, with one policy:
 * an operation that fails with its connection is repeated on another, until the time to retry has passed without success.
 */

import pRetry from 'p-retry';
import { CopyError } from '../../errors.ts';
import type { RemoteConnection } from '../../remotes/remote.ts';
import { type Deferred, deferred } from '../../util/deferred.ts';
import { inTime } from '../../util/in-time.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { Patience } from './patience.ts';

export interface ConnectionAccessOptions {
  readonly pool: Pick<ConnectionPool, 'open' | 'drop' | 'progressed'>;
  /** A connection of this thread; undefined: it is not open, or belongs to another thread. */
  readonly connection: (connection: number) => RemoteConnection | undefined;
  readonly retryForMs: number;
  /** When it is aborted, operations that wait for a connection reject with its reason, and nothing is retried. */
  readonly signal: AbortSignal;
}

export interface OnConnectionOptions {
  /** The connection to use if it is open. */
  readonly prefer?: number;
  /**
   * On how many connections it is tried, where it may be what makes the server hang up. Default: on as many as can be had
   * within the time to retry.
   */
  readonly attempts?: number;
}

export class ConnectionAccess {
  readonly #options: ConnectionAccessOptions;
  /** Settles when a connection is open, or the run is over. */
  #opening: Deferred<void> | undefined;
  #turn = 0;
  /** Failures that were repeated until the time to retry had passed. */
  readonly #givenUp: WeakSet<CopyError> = new WeakSet();

  constructor(options: ConnectionAccessOptions) {
    this.#options = options;
    const { signal } = options;
    signal.addEventListener('abort', () => this.#opening?.reject(signal.reason), { once: true });
  }

  /**
   * Does something on an open connection of this thread; when that connection fails, on another. Waits until there is one.
   * @throws {CopyError} scope `connection`: no attempt succeeded; any other that `work` rejects with; why the run is over
   */
  async onConnection<T>(
    work: (connection: number, remote: RemoteConnection) => Promise<T>,
    { prefer, attempts = Number.POSITIVE_INFINITY }: OnConnectionOptions = {},
  ): Promise<T> {
    const attempt = async (): Promise<T> => {
      const connection = await this.#anyConnection(prefer);
      try {
        return await work(connection, this.#options.connection(connection)!);
      } catch (error) {
        // Otherwise the next attempt might get the same connection, because its end is noticed only later.
        if (CopyError.from(error).scope === 'connection') this.#options.pool.drop(connection);
        throw error;
      }
    };
    return this.#repeat(attempt, attempts, () => true);
  }

  /**
   * Repeats what fails with a connection, where `work` itself chooses the connections: for operations of several steps. A
   * failure that was repeated in vain already is not repeated again. `isWanted`: whether another attempt makes sense.
   */
  repeat<T>(work: () => Promise<T>, isWanted: () => boolean = () => true): Promise<T> {
    return this.#repeat(work, Number.POSITIVE_INFINITY, isWanted);
  }

  async #repeat<T>(work: () => Promise<T>, attempts: number, isWanted: () => boolean): Promise<T> {
    const patience = new Patience(this.#options.retryForMs);
    const isRetried = (error: Error): boolean => {
      if (this.#options.signal.aborted || !isWanted()) return false;
      if (!(error instanceof CopyError) || error.scope !== 'connection' || this.#givenUp.has(error)) return false;
      if (!patience.hasEnded(performance.now())) return true;
      this.#givenUp.add(error);
      return false;
    };
    return pRetry(work, {
      retries: attempts - 1,
      minTimeout: 50,
      maxTimeout: 1000,
      shouldRetry: ({ error }) => isRetried(error),
    });
  }

  /**
   * Does something on a connection of this thread that is open, at the first attempt and also when the run is over. Undefined
   * where there is none, or it fails, or takes longer than `limitMs`: for what only serves to tell more.
   */
  async onAnyOpen<T>(work: (remote: RemoteConnection) => Promise<T>, limitMs: number): Promise<T | undefined> {
    const [connection] = this.#own();
    if (connection === undefined) return undefined;
    // What is asked only to tell more about a failure must not hide it.
    const asked = work(this.#options.connection(connection)!).catch(() => undefined);
    return inTime(asked, limitMs);
  }

  /** Something came over the line, beside acknowledgements. */
  progressed(): void {
    this.#options.pool.progressed();
  }

  /** A connection is open: those who wait for one continue. */
  connectionOpened(): void {
    this.#opening?.resolve();
    this.#opening = undefined;
  }

  #own(): number[] {
    return this.#options.pool.open.filter((connection) => this.#options.connection(connection) !== undefined);
  }

  /** Connections take turns, so that many files begin on different ones. */
  async #anyConnection(prefer: number | undefined): Promise<number> {
    for (;;) {
      this.#options.signal.throwIfAborted();
      const open = this.#own();
      if (prefer !== undefined && open.includes(prefer)) return prefer;
      if (open.length > 0) return open[this.#turn++ % open.length]!;
      this.#opening ??= deferred();
      await this.#opening.promise;
    }
  }
}
