/** The measurements of a connection. */
export interface MeasuredLine {
  readonly bytesPerMs: number;
  /** The shortest round trip. */
  readonly roundTripMs: number;
}

/** How often the shortest round trip is measured again. */
const PROBE_EVERY_MS = 10_000;
/** A suspicion leads to a probe at the next multiple of this time. */
const SUSPICION_EVERY_MS = 500;
/** The minimum number of round trips between two probes, so that suspicions cost at most five per cent of the rate. */
const ROUND_TRIPS_APART = 20;
/** A connection that has ended is still counted for up to twice this time. */
const COUNT_EVERY_MS = 10_000;
/** A silence is replaced by a shorter one only after this time. */
const SILENCE_MEMORY_MS = 1000;

/**
 * Measurements that the connections to one server share. Where they share a bottleneck, a connection alone would
 * measure something wrong: it sees the path without a queue only if all of them keep their queues short at the same
 * time, and the server or the path is silent only if none of them gets an answer.
 */
export class FlowMemory {
  /** The latest measurements of any connection, with which a new connection begins. */
  latest: MeasuredLine | undefined;
  #probeAtMs = Number.NEGATIVE_INFINITY;
  #answeredAtMs = Number.NEGATIVE_INFINITY;
  #sentAtMs = Number.NEGATIVE_INFINITY;
  /** The connections that have measured something since {@link #countedFromMs}. */
  #measuring: Set<object> = new Set();
  /** How many connections had measured something in the ten seconds before that. */
  #countBefore = 0;
  #countedFromMs = Number.NEGATIVE_INFINITY;
  #silence = { fromMs: 0, toMs: 0 };

  /**
   * The time at which the latest probe should have begun on all connections. Without a suspicion, it is a multiple of
   * ten seconds of a clock that all threads of the program share, so that connections of different threads probe
   * together, too.
   */
  probeAtMs(nowMs: number): number {
    const due = nowMs - (nowMs % PROBE_EVERY_MS);
    return this.#probeAtMs <= nowMs ? Math.max(due, this.#probeAtMs) : due;
  }

  /** To be called when one of the connections has reason to believe that the line has changed. */
  suspect(nowMs: number, shortestMs: number): void {
    if (this.#probeAtMs > nowMs || nowMs - this.probeAtMs(nowMs) < ROUND_TRIPS_APART * shortestMs) return;
    this.#probeAtMs = nowMs - (nowMs % SUSPICION_EVERY_MS) + SUSPICION_EVERY_MS;
  }

  /** How many connections have transferred data recently; at least 1. */
  get connections(): number {
    return Math.max(1, this.#measuring.size, this.#countBefore);
  }

  /** To be called when `connection` has measured something. */
  onMeasured(connection: object, nowMs: number): void {
    if (nowMs - this.#countedFromMs >= COUNT_EVERY_MS) {
      this.#countBefore = this.#measuring.size;
      this.#measuring = new Set();
      this.#countedFromMs = nowMs;
    }
    this.#measuring.add(connection);
  }

  /** To be called when something is sent on one of the connections. */
  onSent(nowMs: number): void {
    this.#sentAtMs = nowMs;
  }

  /** To be called when the server has answered on one of the connections. */
  onAnswer(nowMs: number): void {
    const { fromMs, toMs } = this.#silence;
    // While this program sends, it is busy, and answers may have arrived that it has not read yet.
    const silentFromMs = Math.max(this.#answeredAtMs, this.#sentAtMs);
    const lastedMs = nowMs - silentFromMs;
    if (lastedMs >= toMs - fromMs || (lastedMs > 0 && toMs < nowMs - SILENCE_MEMORY_MS)) {
      this.#silence = { fromMs: silentFromMs, toMs: nowMs };
    }
    this.#answeredAtMs = nowMs;
  }

  /** The longest recent time in which no connection got an answer, as far as it is after `sinceMs`; in milliseconds. */
  silentSince(sinceMs: number): number {
    const { fromMs, toMs } = this.#silence;
    return Math.max(0, toMs - Math.max(fromMs, sinceMs));
  }
}
