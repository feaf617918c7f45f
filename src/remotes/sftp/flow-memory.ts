/** What a connection has measured of its line. */
export interface MeasuredLine {
  readonly bytesPerMs: number;
  /** The shortest round trip. */
  readonly roundTripMs: number;
}

/** How often the shortest round trip is measured again. */
const PROBE_EVERY_MS = 10_000;
/** A suspicion is examined at the next multiple of this. */
const SUSPICION_EVERY_MS = 500;
/** Round trips between two probes at least, so that suspicions cost at most five per cent. */
const ROUND_TRIPS_APART = 20;
/** A connection that has ended is still counted for up to twice this time. */
const COUNT_EVERY_MS = 10_000;
/** A silence is replaced by a shorter one only after this time. */
const SILENCE_MEMORY_MS = 1000;

/**
 * What the connections to one server know together. Each could measure all of it alone, but would then be deceived by the
 * others where they share a bottleneck: only if all of them keep their queues short at the same time does any of them see
 * the path without a queue, and only if none of them is answered is it the server or the path that is silent.
 */
export class FlowMemory {
  /** With which a new connection begins. */
  latest: MeasuredLine | undefined;
  #probeAtMs = Number.NEGATIVE_INFINITY;
  #answeredAtMs = Number.NEGATIVE_INFINITY;
  #sentAtMs = Number.NEGATIVE_INFINITY;
  /** Connections that have measured something since {@link #countedFromMs}, and how many had in the ten seconds before. */
  #measuring: Set<object> = new Set();
  #countBefore = 0;
  #countedFromMs = Number.NEGATIVE_INFINITY;
  #silence = { fromMs: 0, toMs: 0 };

  /**
   * When the latest probe had to begin on all connections. Without a suspicion that is a multiple of ten seconds of a
   * clock that all threads of a program share, so that connections on different threads probe together, too.
   */
  probeAtMs(nowMs: number): number {
    const due = nowMs - (nowMs % PROBE_EVERY_MS);
    return this.#probeAtMs <= nowMs ? Math.max(due, this.#probeAtMs) : due;
  }

  /** One of the connections has reason to believe that the line has changed. */
  suspect(nowMs: number, shortestMs: number): void {
    if (this.#probeAtMs > nowMs || nowMs - this.probeAtMs(nowMs) < ROUND_TRIPS_APART * shortestMs) return;
    this.#probeAtMs = nowMs - (nowMs % SUSPICION_EVERY_MS) + SUSPICION_EVERY_MS;
  }

  /** How many connections carry data of late; at least 1. */
  get connections(): number {
    return Math.max(1, this.#measuring.size, this.#countBefore);
  }

  /** `connection` has measured something. */
  measured(connection: object, nowMs: number): void {
    if (nowMs - this.#countedFromMs >= COUNT_EVERY_MS) {
      this.#countBefore = this.#measuring.size;
      this.#measuring = new Set();
      this.#countedFromMs = nowMs;
    }
    this.#measuring.add(connection);
  }

  /** Something is sent on one of the connections. */
  sent(nowMs: number): void {
    this.#sentAtMs = nowMs;
  }

  /** The server has answered on one of the connections. */
  answered(nowMs: number): void {
    const { fromMs, toMs } = this.#silence;
    // As long as this program sends, it is busy itself, and may have answers that it has not read yet.
    const silentFromMs = Math.max(this.#answeredAtMs, this.#sentAtMs);
    const lastedMs = nowMs - silentFromMs;
    if (lastedMs >= toMs - fromMs || (lastedMs > 0 && toMs < nowMs - SILENCE_MEMORY_MS)) {
      this.#silence = { fromMs: silentFromMs, toMs: nowMs };
    }
    this.#answeredAtMs = nowMs;
  }

  /** For how long nothing was heard on any connection since then: the longest such time of late. */
  silentSince(sinceMs: number): number {
    const { fromMs, toMs } = this.#silence;
    return Math.max(0, toMs - Math.max(fromMs, sinceMs));
  }
}
