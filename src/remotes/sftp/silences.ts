import { SlidingHighest } from './sliding-highest.ts';

const MEMORY_MS = 30_000;
/** More than this is not bridged: that much data in flight would be late at the end of the file. */
const LONGEST_MS = 1000;
/** After this the line was cut, or the program stopped: that does not come back regularly. */
const OUTAGE_MS = 5000;
/** So much longer than expected is not noise. */
const UNEXPECTED = 1.25;

export interface SilenceContext {
  /** Bytes per millisecond before the silence. */
  readonly rate: number;
  /** For how long the line has work without an acknowledgement. */
  readonly bridgedMs: number;
  readonly inFlight: number;
  /** Bytes acknowledged in total. */
  readonly delivered: number;
  readonly nowMs: number;
}

/**
 * How long the server is silent from time to time, because it syncs its disk or is busy, or because the path has become
 * longer at once. What is in flight has to last for such a silence, or the line stands still.
 *
 * A line that has become slower is silent, too, and there more in flight would only make a longer queue. So a silence
 * counts only when half of what is in flight after it has been acknowledged at the rate from before it.
 */
export class Silences {
  readonly #lasted: SlidingHighest = new SlidingHighest(MEMORY_MS);
  #open: { readonly lastedMs: number; readonly deliveredThen: number; readonly latestAtMs: number } | undefined;

  /** The longest of the last thirty seconds, in milliseconds; 0 when there was none. */
  get longestMs(): number {
    return this.#lasted.value;
  }

  /** To be called with each acknowledgement. */
  note(silentMs: number, { rate, bridgedMs, inFlight, delivered, nowMs }: SilenceContext): void {
    this.#lasted.expire(nowMs);
    if (silentMs > UNEXPECTED * bridgedMs && silentMs < OUTAGE_MS) {
      const half = inFlight / 2;
      const latestAtMs = nowMs + (UNEXPECTED * half) / rate;
      this.#open = { lastedMs: Math.min(LONGEST_MS, silentMs), deliveredThen: delivered + half, latestAtMs };
    }
    if (this.#open === undefined || delivered < this.#open.deliveredThen) return;
    if (nowMs <= this.#open.latestAtMs) this.#lasted.add(this.#open.lastedMs, nowMs);
    this.#open = undefined;
  }
}
