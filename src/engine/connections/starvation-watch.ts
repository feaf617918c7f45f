/**
 * Notices that a line is too slow for so many connections. If dozens of connections share a few kB/s, the requests of
 * each take longer than the stall timeout: all of them are closed again and again, and what they sent is lost.
 * Therefore, while each has less than 1 kB/s, half as many are used.
 *
 * A line may also limit each single connection to so little. Then the total falls with the number of connections; if it
 * does, all of them are used again, and the number is not reduced any more in this run. A line may also become faster
 * again: then twice as many are used each time.
 *
 * Pure: no clock, no connections.
 */

/** Bytes per second of each connection, on average. A connection that gets less is starved. */
const STARVED_RATE = 1000;
/** The same. If each has more, twice as many would not be starved, and are used again. */
const AMPLE_RATE = 4 * STARVED_RATE;
/** The window in which the rate is measured. */
const WINDOW_MS = 10_000;
/** How long connections have to be starved or have plenty before that has an effect, and how long the effect takes. */
const PATIENCE_MS = 10_000;
/** If they share a line, half of the connections together keep at least this share of the rate. */
const SHARED_LINE_SHARE = 0.7;
/**
 * Bytes per second of each connection. Lower rates are a matter of chance: nothing follows from a comparison of them.
 */
const SIGNIFICANT_RATE = 100;

export interface StarvationSample {
  readonly nowMs: number;
  /** Bytes on all connections together since the run began. */
  readonly acknowledged: number;
  /** Connections that have bytes in flight. */
  readonly working: number;
}

export interface OtherConnections {
  /**
   * `starved`: fewer are used. `in-vain`: that carried less, and all are used again. `ample`: the line is faster, and more
   * are used again.
   */
  readonly reason: 'starved' | 'in-vain' | 'ample';
  /** How many are to be used from now on; Infinity: all again. */
  readonly most: number;
  /** How many worked, and the average rate of each. */
  readonly working: number;
  readonly bytesPerSecondEach: number;
}

export class StarvationWatch {
  readonly #samples: StarvationSample[] = [];
  #starvedSinceMs: number | undefined;
  #ampleSinceMs: number | undefined;
  /** How many are used at most; undefined: all. */
  #most: number | undefined;
  /** How many worked before their number was reduced. */
  #all = 0;
  /** When the number was reduced, and the rates before that in bytes per second: of all together, and of each. */
  #before: { readonly atMs: number; readonly together: number; readonly each: number } | undefined;
  #isOff = false;

  /** To be called a few times a second. Returns how many connections are to be used, if that changes. */
  sample(sample: StarvationSample): OtherConnections | undefined {
    const { nowMs, working } = sample;
    this.#samples.push(sample);
    while (this.#samples.length > 1 && this.#samples[1]!.nowMs <= nowMs - WINDOW_MS) this.#samples.shift();
    const oldest = this.#samples[0]!;
    const elapsedMs = nowMs - oldest.nowMs;
    if (this.#isOff || elapsedMs < WINDOW_MS) return undefined;
    const bytesPerSecond = ((sample.acknowledged - oldest.acknowledged) / elapsedMs) * 1000;
    // If nothing is acknowledged any more, the server or the line is silent, and other parts deal with that. If nothing
    // was ever acknowledged, the line may be too slow.
    if (working < 1 || (bytesPerSecond <= 0 && sample.acknowledged > 0)) {
      // What comes after that has to show anew what the line carries.
      this.#starvedSinceMs = undefined;
      this.#ampleSinceMs = undefined;
      return undefined;
    }
    return this.#judge(nowMs, working, bytesPerSecond);
  }

  #judge(nowMs: number, working: number, bytesPerSecond: number): OtherConnections | undefined {
    const bytesPerSecondEach = bytesPerSecond / working;
    if (this.#before !== undefined) {
      if (nowMs - this.#before.atMs < WINDOW_MS + PATIENCE_MS) return undefined;
      const { together, each } = this.#before;
      const isShared = each < SIGNIFICANT_RATE || bytesPerSecond >= SHARED_LINE_SHARE * together;
      this.#before = undefined;
      if (!isShared) {
        this.#isOff = true;
        this.#most = undefined;
        return { reason: 'in-vain', most: Number.POSITIVE_INFINITY, working, bytesPerSecondEach };
      }
    }
    if (this.#isAmple(nowMs, bytesPerSecondEach)) {
      const more = 2 * this.#most!;
      this.#most = more < this.#all ? more : undefined;
      return { reason: 'ample', most: this.#most ?? Number.POSITIVE_INFINITY, working, bytesPerSecondEach };
    }
    if (bytesPerSecondEach >= STARVED_RATE || working < 2) {
      this.#starvedSinceMs = undefined;
      return undefined;
    }
    this.#starvedSinceMs ??= nowMs;
    if (nowMs - this.#starvedSinceMs < PATIENCE_MS) return undefined;
    this.#starvedSinceMs = undefined;
    this.#before = { atMs: nowMs, together: bytesPerSecond, each: bytesPerSecondEach };
    if (this.#most === undefined) this.#all = working;
    this.#most = Math.floor(working / 2);
    return { reason: 'starved', most: this.#most, working, bytesPerSecondEach };
  }

  /** Whether more connections are to be used again. */
  #isAmple(nowMs: number, bytesPerSecondEach: number): boolean {
    if (this.#most === undefined || bytesPerSecondEach < AMPLE_RATE) {
      this.#ampleSinceMs = undefined;
      return false;
    }
    this.#ampleSinceMs ??= nowMs;
    if (nowMs - this.#ampleSinceMs < PATIENCE_MS) return false;
    this.#ampleSinceMs = undefined;
    return true;
  }
}
