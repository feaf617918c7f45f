/**
 * Moves connections to other threads. A connection cannot change its thread, so it is closed, and opened anew by the
 * thread with the fewest connections. No bytes are lost: the connection first gives back what it has not taken and ends
 * its tasks.
 *
 * The states of a connection that is to move:
 *
 * - requested: until no file job needs it
 * - retired: it gets no more tasks, until those that it has have ended. Then it is closed and opened anew; or, if a
 *   file job needs it again by then, it gets tasks as before and is requested again
 */
import type { ConnectionPool } from './connection-pool.ts';

/** The tasks of connections. */
export interface RelocatedTasks {
  /** The connection gets no more tasks, and gives back what it has not taken. */
  retire(connection: number): void;
  /** Whether the connection has tasks that have not ended. */
  isWorking(connection: number): boolean;
  /** The connection may get tasks again. */
  restore(connection: number): void;
  /** Gives idle connections something to do. */
  dispatch(): void;
}

export interface RelocationOptions {
  readonly pool: Pick<ConnectionPool, 'isOpen' | 'renew'>;
  readonly tasks: RelocatedTasks;
  /** Whether nothing but its tasks needs the connection now. */
  readonly isFree: (connection: number) => boolean;
}

export class Relocation {
  readonly #options: RelocationOptions;
  readonly #requested: Set<number> = new Set();
  readonly #retired: Set<number> = new Set();

  constructor(options: RelocationOptions) {
    this.#options = options;
  }

  /** Another thread has capacity for the connection. */
  request(connection: number): void {
    this.#requested.add(connection);
    this.relocateIfFree();
  }

  /** Retires the requested connections that no file job needs now. To be called at intervals. */
  relocateIfFree(): void {
    const { pool, tasks, isFree } = this.#options;
    for (const connection of this.#requested) {
      if (!isFree(connection) || !pool.isOpen(connection)) continue;
      this.#requested.delete(connection);
      this.#retired.add(connection);
      tasks.retire(connection);
      this.onTaskEnded(connection);
      tasks.dispatch();
    }
  }

  /** A task of the connection has ended, perhaps its last one. */
  onTaskEnded(connection: number): void {
    const { pool, tasks, isFree } = this.#options;
    if (!this.#retired.has(connection) || tasks.isWorking(connection)) return;
    this.#retired.delete(connection);
    // A file job may have begun its commit meanwhile, and need the connection.
    if (isFree(connection)) return pool.renew(connection);
    // It is needed, for example for digests. It gets tasks again, and moves later.
    tasks.restore(connection);
    this.#requested.add(connection);
  }

  onConnectionLost(connection: number): void {
    this.#requested.delete(connection);
    this.#retired.delete(connection);
  }
}
