/** The tasks that have not ended, by number and by connection. */
import type { RangeSet } from '../../util/range-set.ts';

export interface Task {
  readonly task: number;
  readonly connection: number;
  readonly offset: number;
  /** May be shortened. */
  length: number;
  readonly acknowledged: RangeSet;
}

export class TaskTable<T extends Task> implements Iterable<T> {
  readonly #tasks: Map<number, T> = new Map();
  /** How many tasks each connection has; none has 0. */
  readonly #counts: Map<number, number> = new Map();

  get(task: number): T | undefined {
    return this.#tasks.get(task);
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#tasks.values();
  }

  isWorking(connection: number): boolean {
    return this.#counts.has(connection);
  }

  add(task: T): void {
    this.#tasks.set(task.task, task);
    this.#counts.set(task.connection, (this.#counts.get(task.connection) ?? 0) + 1);
  }

  delete({ task, connection }: T): void {
    if (!this.#tasks.delete(task)) return;
    const left = this.#counts.get(connection)! - 1;
    if (left > 0) this.#counts.set(connection, left);
    else this.#counts.delete(connection);
  }
}
