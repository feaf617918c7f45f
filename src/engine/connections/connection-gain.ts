/**
 * Notices that several connections together are no faster than one. There are two signs of that, both measured:
 *
 * - While the first connection was alone, it was as fast as all of them together are now.
 * - At any moment, one of them has nearly all of the throughput, each in its turn, as where a server delays writes
 *   according to their offset.
 *
 * Where the connections share a line evenly from the beginning, neither can be seen, and nothing is reported. Pure: no
 * clock.
 */

/** How long the first connection has to be alone after its first acknowledgement. */
const ALONE_MS = 1000;
/** The window in which the rate of all of them is measured. */
const TOGETHER_MS = 5000;
/** A rate that is higher by more than this factor is a gain. */
const GAIN = 1.1;
/** The average share that the fastest connection has of a sample, if they are fast in turn. */
const IN_TURN_SHARE = 0.85;
/**
 * Bytes for each connection: in a smaller sample, it is a matter of chance which of them had a request acknowledged.
 */
const SIGNIFICANT_BYTES = 64 * 1024;
/** A rate that was measured longer ago says nothing about the line as it is now. */
const MEMORY_MS = 30_000;

export interface NoGain {
  readonly connections: number;
  /** Bytes per second of all of them together. */
  readonly together: number;
}

interface Sample {
  readonly atMs: number;
  /** Bytes since the run began. */
  readonly acknowledged: number;
  /** The largest share that one connection had of the bytes acknowledged since the last sample. */
  readonly topShare: number;
  readonly isSignificant: boolean;
}

export class ConnectionGain {
  readonly #byConnection: Map<number, number> = new Map();
  #samples: Sample[] = [];
  #firstAt: Sample | undefined;
  #alone: { readonly bytesPerSecond: number; readonly atMs: number } | undefined;
  #wasShared = false;
  #isTold = false;

  /**
   * To be called a few times a second. `acknowledged`: bytes since the run began, for each connection that has bytes in
   * flight. Returns once that there is no gain, and undefined otherwise.
   */
  sample(atMs: number, acknowledged: ReadonlyMap<number, number>): NoGain | undefined {
    if (this.#isTold) return undefined;
    const fresh = [...acknowledged].map(([connection, bytes]) => bytes - (this.#byConnection.get(connection) ?? 0));
    for (const [connection, bytes] of acknowledged) this.#byConnection.set(connection, bytes);
    const total = fresh.reduce((sum, bytes) => sum + bytes, 0);
    const sample = {
      atMs,
      acknowledged: (this.#samples.at(-1)?.acknowledged ?? 0) + total,
      topShare: total > 0 ? Math.max(...fresh) / total : 0,
      isSignificant: total >= SIGNIFICANT_BYTES * acknowledged.size,
    };
    if (acknowledged.size === 1 && !this.#wasShared) this.#sampleAlone(sample);
    if (acknowledged.size < 2) {
      this.#samples = [sample];
      return undefined;
    }
    this.#wasShared = true;
    this.#samples.push(sample);
    while (this.#samples.length > 1 && this.#samples[1]!.atMs <= atMs - TOGETHER_MS) this.#samples.shift();
    return this.#judge(atMs, acknowledged.size);
  }

  #sampleAlone(sample: Sample): void {
    if (sample.acknowledged === 0) return;
    this.#firstAt ??= sample;
    const elapsedMs = sample.atMs - this.#firstAt.atMs;
    if (elapsedMs < ALONE_MS) return;
    const bytesPerSecond = ((sample.acknowledged - this.#firstAt.acknowledged) / elapsedMs) * 1000;
    this.#alone = { bytesPerSecond, atMs: sample.atMs };
  }

  #judge(atMs: number, connections: number): NoGain | undefined {
    const [oldest, ...rest] = this.#samples;
    const newest = rest.at(-1);
    if (oldest === undefined || newest === undefined || newest.atMs - oldest.atMs < TOGETHER_MS) return undefined;
    const together = ((newest.acknowledged - oldest.acknowledged) / (newest.atMs - oldest.atMs)) * 1000;
    const alone = this.#alone !== undefined && atMs - this.#alone.atMs < MEMORY_MS ? this.#alone.bytesPerSecond : 0;
    const significant = rest.filter(({ isSignificant }) => isSignificant);
    const topShare = significant.reduce((sum, sample) => sum + sample.topShare, 0) / significant.length;
    const isInTurn = significant.length > rest.length / 2 && topShare >= IN_TURN_SHARE;
    // If nothing is acknowledged at all, that has another reason.
    if (together === 0 || !(isInTurn || together <= GAIN * alone)) return undefined;
    this.#isTold = true;
    return { connections, together };
  }
}
