/**
 * At the end of a file nobody waits for a connection that has stopped: it is given up long before the stall timeout, and
 * its rest goes to those that are idle. A connection whose bytes move is never given up.
 */
import type { Counters } from '../runner/counters.ts';
import type { ConnectionRates } from './connection-rates.ts';

/** A connection is not waited for when it is silent this long ... */
const SILENT_MS = 3000;
/** ... and this many times as long as its rate, when it last moved, let expect ... */
const PATIENCE = 5;
/** ... or this long, if nothing was ever acknowledged on it: its first requests take so long at 500 B/s. */
const FIRST_SILENT_MS = 10_000;

/** What connections have to do: the scheduler tells. */
export interface WatchedTasks {
  /** Open connections that have nothing to take. */
  idle(): readonly number[];
  tasks(): readonly WatchedTask[];
}

export interface WatchedTask {
  readonly connection: number;
  /** Bytes that are neither acknowledged nor given away. */
  readonly outstanding: number;
  /** Whether other connections may work on the file too. */
  readonly shared: boolean;
}

export interface StallWatchOptions {
  readonly tasks: WatchedTasks;
  readonly rates: ConnectionRates;
  readonly counters: Pick<Counters, 'inFlight'>;
  /** Whether a connection has something else to do than what it is sent. */
  readonly isBusy: (connection: number) => boolean;
}

export class StallWatch {
  readonly #options: StallWatchOptions;

  constructor(options: StallWatchOptions) {
    this.#options = options;
  }

  /** Connections that are waited for in vain. */
  silent(nowMs: number): number[] {
    const { tasks, rates, isBusy } = this.#options;
    const idle = tasks.idle();
    if (idle.length === 0) return [];
    const waitedFor = new Set<number>();
    for (const { connection, outstanding, shared } of tasks.tasks()) {
      const isOtherIdle = idle.length > 1 || idle[0] !== connection;
      if (shared && outstanding > 0 && isOtherIdle && !isBusy(connection)) waitedFor.add(connection);
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
