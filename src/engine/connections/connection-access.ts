/**
 * Performs operations on the open connections of this thread. No other part retries an operation. The policy: an
 * operation that fails because of its connection is repeated on another one, until the time to retry has passed without
 * success. Any other failure is final.
 *
 * What can go wrong: no connection is open (the operation waits for one), or the run is over (it rejects with the
 * cause).
 */

import pRetry from 'p-retry';
import { CopyError } from '../../errors.ts';
import type { RemoteConnection } from '../../remotes/remote.ts';
import { type Deferred, deferred } from '../../util/deferred.ts';
import { inTime } from '../../util/in-time.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { Patience } from './patience.ts';

export interface ConnectionAccessOptions {
  readonly pool: Pick<ConnectionPool, 'open' | 'isOpen' | 'drop' | 'onProgress'>;
  /** Undefined: the connection is not open, or belongs to another thread. */
  readonly connection: (connection: number) => RemoteConnection | undefined;
  readonly retryForMs: number;
  /** When it is aborted, operations that wait for a connection reject with its reason, and nothing is retried. */
  readonly signal: AbortSignal;
}

export interface OnConnectionOptions {
  /** The connection to use if it is open. */
  readonly prefer?: number;
  /** The connection to use only if no other one is open. */
  readonly avoid?: number | undefined;
  /**
   * How many attempts are made at most: for an operation that may itself be the reason why the server closes the
   * connection. Default: no limit but the time to retry.
   */
  readonly attempts?: number;
}

export class ConnectionAccess {
  readonly #options: ConnectionAccessOptions;
  /** Settles when a connection is open, or the run is over. */
  #opening: Deferred<void> | undefined;
  #turn = 0;
  /** Operations that are being performed now. */
  #operations = 0;
  /** How often there was progress. */
  #progress = 0;
  /** Failures after which the time to retry had passed: an outer call does not repeat them. */
  readonly #givenUp: WeakSet<CopyError> = new WeakSet();

  constructor(options: ConnectionAccessOptions) {
    this.#options = options;
    const { signal } = options;
    signal.addEventListener('abort', () => this.#opening?.reject(signal.reason), { once: true });
  }

  /**
   * Calls `work` with an open connection of this thread, and with another one when that connection fails. Waits until
   * one is open.
   * @throws {CopyError} scope `connection`: no attempt succeeded; any other failure that `work` rejects with; why the
   *   run is over
   */
  async withConnection<T>(
    work: (connection: number, remote: RemoteConnection) => Promise<T>,
    { prefer, avoid, attempts = Number.POSITIVE_INFINITY }: OnConnectionOptions = {},
  ): Promise<T> {
    const attempt = async (): Promise<T> => {
      const connection = await this.#anyConnection(prefer, avoid);
      try {
        return await this.perform(() => work(connection, this.#options.connection(connection)!));
      } catch (error) {
        // Otherwise the next attempt might use the same connection, because its loss is noticed only later.
        if (CopyError.from(error).scope === 'connection') this.#options.pool.drop(connection);
        throw error;
      }
    };
    return this.#repeat(attempt, attempts, () => true);
  }

  /** Performs `work` on a connection that the caller has chosen, once. */
  async perform<T>(work: () => Promise<T>): Promise<T> {
    this.#operations++;
    try {
      return await work();
    } finally {
      this.#operations--;
    }
  }

  /** Whether an operation is being performed. Each of its requests has a deadline. */
  get isPerforming(): boolean {
    return this.#operations > 0;
  }

  /**
   * Calls `work` again when it fails because of a connection. `work` itself chooses its connections: this is for
   * operations of several steps. A failure that was already repeated in vain is not repeated again. `isWanted`: whether
   * another attempt makes sense.
   */
  repeat<T>(work: () => Promise<T>, isWanted: () => boolean = () => true): Promise<T> {
    return this.#repeat(work, Number.POSITIVE_INFINITY, isWanted);
  }

  async #repeat<T>(work: () => Promise<T>, attempts: number, isWanted: () => boolean): Promise<T> {
    const patience = new Patience(this.#options.retryForMs);
    let seen = this.#progress;
    const isRetried = (error: Error): boolean => {
      if (this.#options.signal.aborted || !isWanted()) return false;
      if (this.#progress !== seen) patience.onProgress();
      seen = this.#progress;
      if (!(error instanceof CopyError) || error.scope !== 'connection' || this.#givenUp.has(error)) return false;
      if (!patience.hasEnded(performance.now())) return true;
      this.#givenUp.add(error);
      return false;
    };
    // Nearly every operation succeeds at once, and there are very many of them.
    let failure: { readonly error: unknown } | undefined;
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      failure = { error };
    }
    const attempt = (): Promise<T> => {
      const first = failure;
      failure = undefined;
      return first === undefined ? work() : Promise.reject(first.error);
    };
    return pRetry(attempt, {
      retries: attempts - 1,
      minTimeout: 50,
      maxTimeout: 1000,
      shouldRetry: ({ error }) => isRetried(error),
    });
  }

  /**
   * Calls `work` once with an open connection of this thread, even when the run is over. Undefined: none is open, or
   * `work` failed or took longer than `limitMs`. This is for questions whose answers only make a message more precise.
   */
  async withAnyOpen<T>(work: (remote: RemoteConnection) => Promise<T>, limitMs: number): Promise<T | undefined> {
    const { pool, connection } = this.#options;
    const remote = pool.open.map(connection).find((one) => one !== undefined);
    if (remote === undefined) return undefined;
    // A failure of the question must not hide the failure that the question is about.
    const asked = work(remote).catch(() => undefined);
    return inTime(asked, limitMs);
  }

  /** Bytes were acknowledged, or a server answered something else that brings the run on. */
  onProgress(): void {
    this.#progress++;
    this.#options.pool.onProgress();
  }

  /** A connection is open: operations that wait for one continue. */
  onConnectionOpened(): void {
    this.#opening?.resolve();
    this.#opening = undefined;
  }

  async #anyConnection(prefer: number | undefined, avoid: number | undefined): Promise<number> {
    for (;;) {
      this.#options.signal.throwIfAborted();
      if (prefer !== undefined && this.#options.pool.isOpen(prefer) && this.#isOwn(prefer)) return prefer;
      const connection = this.#nextInTurn(avoid);
      if (connection !== undefined) return connection;
      this.#opening ??= deferred();
      await this.#opening.promise;
    }
  }

  /**
   * Uses the connections in turn, so that many files begin on different ones. Those of other threads are passed over.
   * Each is looked at once at most, and as a rule the first one is taken.
   */
  #nextInTurn(avoid: number | undefined): number | undefined {
    const { open } = this.#options.pool;
    let last: number | undefined;
    for (let looks = 0; looks < open.length; looks++) {
      const connection = open[this.#turn++ % open.length]!;
      if (!this.#isOwn(connection)) continue;
      if (connection !== avoid) return connection;
      last = connection;
    }
    return last;
  }

  /** Whether it is a connection of this thread. */
  #isOwn(connection: number): boolean {
    return this.#options.connection(connection) !== undefined;
  }
}
