/**
 * Watches how fast the connections of a run are: closes those that stall, and lets fewer work if the line is too slow.
 */
import type { Counters } from '../runner/counters.ts';
import { ConnectionCount, type ConnectionCountOptions } from './connection-count.ts';
import type { ConnectionPool } from './connection-pool.ts';
import type { ConnectionRates } from './connection-rates.ts';
import { StallWatch, type WatchedTasks } from './stall-watch.ts';

export interface ConnectionMonitorOptions {
  readonly pool: Pick<ConnectionPool, 'open' | 'limit' | 'drop'>;
  readonly rates: ConnectionRates;
  readonly counters: Pick<Counters, 'inFlight' | 'acknowledged' | 'totalAcknowledged'>;
  readonly tasks: WatchedTasks;
  /** Whether a connection also does something that is not a task, so that its silence means nothing. */
  readonly isBusy: (connection: number) => boolean;
  readonly notice: ConnectionCountOptions['notice'];
}

export class ConnectionMonitor {
  readonly #options: ConnectionMonitorOptions;
  readonly #stalls: StallWatch;
  readonly #count: ConnectionCount;

  constructor(options: ConnectionMonitorOptions) {
    this.#options = options;
    this.#stalls = new StallWatch(options);
    this.#count = new ConnectionCount(options);
  }

  /**
   * To be called a few times a second. `isSyncing`: the server syncs a file, and may answer nothing on any connection
   * meanwhile.
   */
  tick(nowMs: number, isSyncing: boolean): void {
    const { pool, rates } = this.#options;
    rates.sample(nowMs);
    if (isSyncing) rates.excuse(nowMs);
    for (const connection of this.#stalls.silent(nowMs)) pool.drop(connection);
    this.#count.tick(nowMs);
  }
}
