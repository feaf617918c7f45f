/**
 * Lets fewer connections work where the line is too slow for so many (see {@link StarvationWatch}), and tells the user
 * where many connections carry no more than one (see {@link ConnectionGain}).
 */
import { formatRate } from '../../util/format-size.ts';
import type { Counters } from '../runner/counters.ts';
import { ConnectionGain } from './connection-gain.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { type OtherConnections, StarvationWatch } from './starvation-watch.ts';

export interface ConnectionCountOptions {
  readonly pool: Pick<ConnectionPool, 'open' | 'limit'>;
  readonly counters: Pick<Counters, 'inFlight' | 'acknowledged' | 'totalAcknowledged'>;
  readonly notice: (level: 'detail' | 'info', code: string, message: string) => void;
}

export class ConnectionCount {
  readonly #options: ConnectionCountOptions;
  readonly #watch = new StarvationWatch();
  readonly #gain = new ConnectionGain();

  constructor(options: ConnectionCountOptions) {
    this.#options = options;
  }

  /** To be called a few times a second. */
  tick(nowMs: number): void {
    const { pool, counters } = this.#options;
    const working = pool.open.filter((connection) => counters.inFlight(connection) > 0);
    this.#tellGain(nowMs, working);
    const acknowledged = counters.totalAcknowledged();
    const change = this.#watch.sample({ nowMs, acknowledged, working: working.length });
    if (change !== undefined) this.#apply(change);
  }

  #tellGain(nowMs: number, working: readonly number[]): void {
    const { counters, notice } = this.#options;
    const acknowledged = new Map(working.map((connection) => [connection, counters.acknowledged(connection)]));
    const noGain = this.#gain.sample(nowMs, acknowledged);
    if (noGain === undefined) return;
    const together = `${noGain.connections} connections together have ${formatRate(noGain.together)}`;
    notice('detail', 'no-gain', `${together}, no more than one alone: more connections gave nothing.`);
  }

  #apply({ reason, most, working, bytesPerSecondEach }: OtherConnections): void {
    const { pool, notice } = this.#options;
    pool.limit('line', most);
    if (reason === 'ample') {
      const many = most === Number.POSITIVE_INFINITY ? 'all' : `up to ${most}`;
      notice('info', 'more-connections', `The line is faster again: ${many} connections are used.`);
      return;
    }
    if (reason === 'in-vain') {
      notice('info', 'more-connections', 'Fewer connections carried less: all of them are used again.');
      return;
    }
    const rate = formatRate(bytesPerSecondEach);
    notice(
      'info',
      'fewer-connections',
      `${working} connections have ${rate} each, which is too little: ${most} are used.`,
    );
  }
}
