/**
 * Moves connections to other threads. A connection cannot move, so it is closed and opened anew where there is room for it.
 * Nothing is lost by that: it first gives back what it has not taken and ends what is under way.
 *
 * A connection that was asked to move is *requested* until the file jobs let it go, then *retired* until its tasks have
 * ended, then it is renewed. If a file job needs it again by then, it works on, and is requested as before.
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
  readonly pool: Pick<ConnectionPool, 'open' | 'renew'>;
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

  /** Another thread has room for the connection. */
  request(connection: number): void {
    this.#requested.add(connection);
    this.relocateIfFree();
  }

  /** Retires those that are free by now. To be called now and then. */
  relocateIfFree(): void {
    const { pool, tasks, isFree } = this.#options;
    for (const connection of this.#requested) {
      if (!isFree(connection) || !pool.open.includes(connection)) continue;
      this.#requested.delete(connection);
      this.#retired.add(connection);
      tasks.retire(connection);
      this.taskEnded(connection);
      tasks.dispatch();
    }
  }

  /** A task of the connection has ended, perhaps its last one. */
  taskEnded(connection: number): void {
    const { pool, tasks, isFree } = this.#options;
    if (!this.#retired.has(connection) || tasks.isWorking(connection)) return;
    this.#retired.delete(connection);
    // A file may have come to its commit meanwhile, in which every answer counts.
    if (isFree(connection)) return pool.renew(connection);
    // Digests may be asked for over it by now. It works on, and moves when it has nothing else to do.
    tasks.restore(connection);
    this.#requested.add(connection);
  }

  connectionLost(connection: number): void {
    this.#requested.delete(connection);
    this.#retired.delete(connection);
  }
}
