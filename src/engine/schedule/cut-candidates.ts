/**
 * The tasks that may be cut at the end of a file, so that the rest of their bytes can be given to an idle connection;
 * the task that would end last comes first. Pure: no clock, no connections.
 *
 * Between two calls of {@link CutCandidates.refresh} rates are constant, so that the time that a task needs can only
 * fall. Therefore a time that was computed earlier is an upper bound, and only the times of the first tasks are
 * computed again. For the same reason, a task that was not worth cutting for a connection is not looked at again for
 * one that is no faster.
 */
import { SortedList } from './sorted-list.ts';

/**
 * A task loses all bytes that it has not taken if the idle connection has more than this share of the rates of both.
 */
const HOPELESS_SHARE = 0.9;

/** A task of which bytes are still to be taken. */
export interface Cuttable {
  /** The number of the task; a later task has a higher one. */
  readonly task: number;
  readonly connection: number;
  readonly length: number;
  /** Bytes that are not acknowledged. */
  readonly outstanding: number;
  /** A cut leaves both connections at least so many bytes. */
  readonly smallestCut: number;
}

export interface Cut<T> {
  readonly task: T;
  /** How many of its bytes the task keeps. */
  readonly length: number;
}

interface Candidate<T> {
  readonly task: T;
  /** The rate of its connection in bytes per second; at least 1. */
  rate: number;
  /** An upper bound of the time until the task ends. */
  secondsLeft: number;
}

export class CutCandidates<T extends Cuttable> {
  readonly #candidates: Map<T, Candidate<T>> = new Map();
  /** The latest end first. */
  readonly #byEnd: SortedList<Candidate<T>> = new SortedList(
    (a, b) => b.secondsLeft - a.secondsLeft || a.task.task - b.task.task,
  );
  readonly #rateOf: (connection: number) => number;
  /** For a connection of this rate or a lower one, no candidate that is missing in the list is worth cutting. */
  #refusedRate = Number.POSITIVE_INFINITY;

  /** `rateOf`: bytes per second, 0 where none is known. */
  constructor(rateOf: (connection: number) => number) {
    this.#rateOf = rateOf;
  }

  add(task: T): void {
    if (this.#candidates.has(task)) return;
    const rate = this.#worth(task.connection);
    const candidate = { task, rate, secondsLeft: task.outstanding / rate };
    this.#candidates.set(task, candidate);
    this.#byEnd.add(candidate);
  }

  delete(task: T): void {
    const candidate = this.#candidates.get(task);
    if (candidate === undefined) return;
    this.#candidates.delete(task);
    this.#byEnd.remove(candidate);
  }

  /** Computes all times again, because rates may have changed. */
  refresh(): void {
    for (const candidate of this.#candidates.values()) {
      candidate.rate = this.#worth(candidate.task.connection);
      candidate.secondsLeft = candidate.task.outstanding / candidate.rate;
    }
    this.#lookAgain();
  }

  /**
   * Returns the best cut for an idle connection, after which both connections end at the same time; its task is no
   * longer a candidate. Undefined: no cut is worth it for this connection, nor for any slower one.
   */
  next(connection: number): Cut<T> | undefined {
    if (this.#candidates.size === 0) return undefined;
    const receiverRate = this.#worth(connection);
    if (receiverRate > this.#refusedRate) this.#lookAgain();
    for (let candidate = this.#last(); candidate !== undefined; candidate = this.#last()) {
      const { task, rate } = candidate;
      const length = keptLength(task, rate, receiverRate);
      this.#byEnd.remove(candidate);
      if (length !== undefined) {
        this.#candidates.delete(task);
        return { task, length };
      }
      this.#refusedRate = Math.min(this.#refusedRate, receiverRate);
    }
    return undefined;
  }

  /** The candidate that would end last. */
  #last(): Candidate<T> | undefined {
    for (;;) {
      const first = this.#byEnd.first;
      if (first === undefined) return undefined;
      const secondsLeft = first.task.outstanding / first.rate;
      if (secondsLeft >= first.secondsLeft) return first;
      this.#byEnd.remove(first);
      first.secondsLeft = secondsLeft;
      this.#byEnd.add(first);
    }
  }

  #lookAgain(): void {
    this.#byEnd.reset(this.#candidates.values());
    this.#refusedRate = Number.POSITIVE_INFINITY;
  }

  #worth(connection: number): number {
    return Math.max(1, this.#rateOf(connection));
  }
}

/** How many bytes a task keeps; undefined where a cut is not worth it. */
export function keptLength(
  { length, outstanding, smallestCut }: Pick<Cuttable, 'length' | 'outstanding' | 'smallestCut'>,
  rate: number,
  receiverRate: number,
): number | undefined {
  const share = receiverRate / (receiverRate + rate);
  const given = outstanding * share;
  const aligned = Math.floor((length - given) / smallestCut) * smallestCut;
  // Two equally fast connections would otherwise pass the last bytes back and forth.
  const kept = share > HOPELESS_SHARE ? aligned : Math.max(smallestCut, aligned);
  return given < smallestCut || length - kept < smallestCut ? undefined : kept;
}
