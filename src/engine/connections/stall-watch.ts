/**
 * Finds connections that have stopped while others are idle, as at the end of a file. They are closed long before the
 * stall timeout, so that the idle connections get what is left of their tasks. A connection on which bytes are
 * acknowledged is never among them.
 */
import type { Counters } from '../runner/counters.ts';
import type { ConnectionRates } from './connection-rates.ts';

/** A connection has stopped if it is silent for at least this long, ... */
const SILENT_MS = 3000;
/** ... and for so many times as long as what it has in flight should take at the rate that it last had, ... */
const PATIENCE = 5;
/** ... or for this long if nothing was ever acknowledged on it. At 500 B/s, its first requests take that long. */
const FIRST_SILENT_MS = 10_000;

/** The tasks of the connections, as the scheduler knows them. */
export interface WatchedTasks {
  /** Open connections that have no bytes to take. */
  idle(): readonly number[];
  tasks(): readonly WatchedTask[];
}

export interface WatchedTask {
  readonly connection: number;
  /** Bytes that are neither acknowledged nor given to another task. */
  readonly outstanding: number;
  /** Whether other connections may work on the file too. */
  readonly isShared: boolean;
}

export interface StallWatchOptions {
  readonly tasks: WatchedTasks;
  readonly rates: ConnectionRates;
  readonly counters: Pick<Counters, 'inFlight'>;
  /** Whether a connection also does something that is not a task, so that its silence means nothing. */
  readonly isBusy: (connection: number) => boolean;
}

export class StallWatch {
  readonly #options: StallWatchOptions;

  constructor(options: StallWatchOptions) {
    this.#options = options;
  }

  /** The connections that have stopped. */
  silent(nowMs: number): number[] {
    const { tasks, rates, isBusy } = this.#options;
    const idle = tasks.idle();
    if (idle.length === 0) return [];
    const waitedFor = new Set<number>();
    for (const { connection, outstanding, isShared } of tasks.tasks()) {
      const isOtherIdle = idle.length > 1 || idle[0] !== connection;
      if (isShared && outstanding > 0 && isOtherIdle && !isBusy(connection)) waitedFor.add(connection);
    }
    return [...waitedFor].filter((connection) => rates.silentForMs(connection, nowMs) > this.#patienceMs(connection));
  }

  #patienceMs(connection: number): number {
    const { rates, counters } = this.#options;
    const rate = rates.movingBytesPerSecond(connection);
    if (rate === 0) return FIRST_SILENT_MS;
    return Math.max(SILENT_MS, PATIENCE * (counters.inFlight(connection) / rate) * 1000);
  }
}
