/** At the end of a file: whose task is cut, so that its rest can be given to an idle connection. Pure. */
import { MIN_RANGE } from './range-length.ts';

/** A cut must leave both sides this much, or it is not worth its message. */
const MIN_SHARE = MIN_RANGE;
/** A connection this much slower than the idle one loses all it has not taken. */
const HOPELESS_SHARE = 0.9;

/** A task of which bytes are still to be taken. */
export interface Cuttable {
  readonly connection: number;
  readonly length: number;
  /** Bytes that are not acknowledged. */
  readonly outstanding: number;
  /** The one connection that may have its rest; undefined: all. */
  readonly only: number | undefined;
}

export interface Cut<T> {
  readonly task: T;
  /** How many of its bytes the task keeps. */
  readonly length: number;
}

/**
 * One cut for each of the `idle` connections, most preferred first, as far as there is something worth cutting: of the
 * tasks that would end last, so that both sides end at the same time. `rate`: bytes per second, 0 where none is known.
 */
export function cutsForIdle<T extends Cuttable>(
  tasks: readonly T[],
  idle: readonly number[],
  rate: (connection: number) => number,
): Cut<T>[] {
  const worth = (connection: number): number => Math.max(1, rate(connection));
  const byEnd = tasks
    .map((task) => ({ task, secondsLeft: task.outstanding / worth(task.connection) }))
    .sort((a, b) => b.secondsLeft - a.secondsLeft);
  const thieves = new Set(idle);
  const cuts: Cut<T>[] = [];
  for (const { task } of byEnd) {
    const [first] = thieves;
    if (first === undefined) break;
    const thief = task.only ?? first;
    const length = thieves.has(thief) ? keptLength(task, worth(task.connection), worth(thief)) : undefined;
    if (length === undefined) continue;
    thieves.delete(thief);
    cuts.push({ task, length });
  }
  return cuts;
}

/** Undefined where a cut is not worth it. */
function keptLength({ length, outstanding }: Cuttable, rate: number, thiefRate: number): number | undefined {
  const share = thiefRate / (thiefRate + rate);
  const given = outstanding * share;
  const aligned = Math.floor((length - given) / MIN_SHARE) * MIN_SHARE;
  // A working connection keeps what it has begun, or two of a kind would pass the last bytes to and fro.
  const kept = share > HOPELESS_SHARE ? aligned : Math.max(MIN_SHARE, aligned);
  return given < MIN_SHARE || length - kept < MIN_SHARE ? undefined : kept;
}
