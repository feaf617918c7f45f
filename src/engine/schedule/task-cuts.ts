/**
 * Cuts tasks when no bytes are left to hand out, so that idle connections get the rest of their bytes. Knows which
 * tasks may be cut, and which cuts have been asked for and not answered. Pure bookkeeping.
 *
 * A task takes bytes until it answers, so that a cut may give fewer bytes than were asked for, or none.
 *
 * These things always hold:
 *
 * - {@link TaskCuts.forIdle} asks for a cut only while fewer cuts are unanswered than connections are idle, and never
 *   of a task that has not answered the last one.
 * - What it costs depends on the cuts that it asks for, and on the few tasks that are misplaced, not on how many tasks
 *   there are.
 */
import { CutCandidates, keptLength } from './cut-candidates.ts';
import type { IdleConnections } from './idle-connections.ts';
import type { ScheduledTask } from './scheduled-file.ts';

/** The order to cut a task. */
export interface Shorten {
  readonly kind: 'shorten';
  readonly task: number;
  /** How many of its bytes the task keeps. */
  readonly length: number;
}

export class TaskCuts {
  readonly #rateOf: (connection: number) => number;
  /** Of files that all connections may work on. */
  readonly #candidates: CutCandidates<ScheduledTask>;
  /** Tasks of files that now belong to another connection: few, because files are seldom restricted later. */
  readonly #misplaced: Set<ScheduledTask> = new Set();
  readonly #unanswered: Set<ScheduledTask> = new Set();

  /** `rateOf`: bytes per second, 0 where none is known. */
  constructor(rateOf: (connection: number) => number) {
    this.#rateOf = rateOf;
    this.#candidates = new CutCandidates(rateOf);
  }

  /** To be called when rates have changed. */
  refresh(): void {
    this.#candidates.refresh();
  }

  /** To be called when a task has begun, and whenever something of it or of its file has changed. */
  update(task: ScheduledTask): void {
    const { file, connection, mayBeCut } = task;
    if (mayBeCut && file.only === undefined) this.#candidates.add(task);
    else this.#candidates.delete(task);
    if (mayBeCut && file.only !== undefined && file.only !== connection) this.#misplaced.add(task);
    else this.#misplaced.delete(task);
  }

  /** Cuts a task to `length` bytes, whether or not another connection wants the others. */
  cut(task: ScheduledTask, length: number): Shorten {
    task.isBeingCut = true;
    this.#unanswered.add(task);
    this.update(task);
    return { kind: 'shorten', task: task.task, length };
  }

  /** A task has answered a cut, or has ended. */
  answered(task: ScheduledTask): void {
    task.isBeingCut = false;
    this.#unanswered.delete(task);
    this.update(task);
  }

  /** Each cut that is not answered yet will give bytes to one idle connection, the fastest first. */
  forIdle(idle: IdleConnections): Shorten[] {
    const orders: Shorten[] = [];
    for (const task of this.#misplaced) {
      const only = task.file.only!;
      if (this.#unanswered.size >= idle.size || !idle.has(only)) continue;
      const length = keptLength(task, this.#rateOf(task.connection), this.#rateOf(only));
      if (length !== undefined) orders.push(this.cut(task, length));
    }
    for (let rank = this.#unanswered.size; rank < idle.size; rank++) {
      const next = this.#candidates.next(idle.at(rank)!);
      if (next === undefined) break;
      orders.push(this.cut(next.task, next.length));
    }
    return orders;
  }
}
