/**
 * Notices that a line is too slow for so many connections. Where a few kB/s are shared by dozens of connections, each of
 * them has requests in flight that take longer than anybody waits for an answer, so that all are given up again and again
 * and nothing is left of what they sent. So at less than 1 kB/s each, half of them are used, until that is no longer so.
 *
 * A line that gives each connection so little is another matter: there the sum falls with their number. If it does, all
 * connections are used again, and it stays at that.
 *
 * Pure: no clock, no connections.
 */

/** Bytes per second of each connection, on average. A connection that gets less is starved. */
const STARVED_RATE = 1000;
/** Of which time the rate is taken. */
const WINDOW_MS = 10_000;
/** How long connections have to starve, and how long it takes to see the effect of fewer. */
const PATIENCE_MS = 10_000;
/** If they share a line, with half of the connections their sum stays as it was: this share of it at least. */
const SHARED_LINE_SHARE = 0.7;
/** A lower rate, bytes per second of each connection, is a matter of chance: nothing follows from it. */
const TELLING_RATE = 100;

export interface StarvationSample {
  readonly nowMs: number;
  /** Bytes, on all connections together, since the run began. */
  readonly acknowledged: number;
  /** Connections that have bytes in flight. */
  readonly working: number;
}

export interface FewerConnections {
  /** How many are to be used from now on; Infinity: all again. */
  readonly most: number;
  /** How many worked, and at which rate each. */
  readonly working: number;
  readonly bytesPerSecondEach: number;
}

export class StarvationWatch {
  readonly #samples: StarvationSample[] = [];
  #starvedSinceMs: number | undefined;
  /** When fewer were used, and what they had until then: all of them together, and each. */
  #before: { readonly atMs: number; readonly together: number; readonly each: number } | undefined;
  #isOff = false;

  /** To be called a few times a second. Returns what is to be changed. */
  sample(sample: StarvationSample): FewerConnections | undefined {
    const { nowMs, working } = sample;
    this.#samples.push(sample);
    while (this.#samples.length > 1 && this.#samples[1]!.nowMs <= nowMs - WINDOW_MS) this.#samples.shift();
    const oldest = this.#samples[0]!;
    const elapsedMs = nowMs - oldest.nowMs;
    if (this.#isOff || elapsedMs < WINDOW_MS) return undefined;
    const bytesPerSecond = ((sample.acknowledged - oldest.acknowledged) / elapsedMs) * 1000;
    // Nothing at all is the silence of a server or a line, which other parts deal with, unless it was so from the beginning.
    if (working < 1 || (bytesPerSecond <= 0 && sample.acknowledged > 0)) return undefined;
    return this.#judge(nowMs, working, bytesPerSecond);
  }

  #judge(nowMs: number, working: number, bytesPerSecond: number): FewerConnections | undefined {
    const bytesPerSecondEach = bytesPerSecond / working;
    if (this.#before !== undefined) {
      if (nowMs - this.#before.atMs < WINDOW_MS + PATIENCE_MS) return undefined;
      const { together, each } = this.#before;
      const isShared = each < TELLING_RATE || bytesPerSecond >= SHARED_LINE_SHARE * together;
      this.#before = undefined;
      if (!isShared) {
        this.#isOff = true;
        return { most: Number.POSITIVE_INFINITY, working, bytesPerSecondEach };
      }
    }
    if (bytesPerSecondEach >= STARVED_RATE || working < 2) {
      this.#starvedSinceMs = undefined;
      return undefined;
    }
    this.#starvedSinceMs ??= nowMs;
    if (nowMs - this.#starvedSinceMs < PATIENCE_MS) return undefined;
    this.#starvedSinceMs = undefined;
    this.#before = { atMs: nowMs, together: bytesPerSecond, each: bytesPerSecondEach };
    return { most: Math.floor(working / 2), working, bytesPerSecondEach };
  }
}
