import { SlidingHighest } from './sliding-highest.ts';

const MEMORY_MS = 30_000;
/** The longest silence that the window bridges. More data in flight would take too long at the end of the file. */
const LONGEST_MS = 1000;
/** A longer silence is an interruption of the line or of the program, which does not occur regularly. */
const OUTAGE_MS = 5000;
/** A silence that is longer than expected by this factor is not random. */
const UNEXPECTED = 1.25;

export interface SilenceContext {
  /** Bytes per millisecond before the silence. */
  readonly rate: number;
  /** How long the line is busy with what is in flight, without an acknowledgement. */
  readonly bridgedMs: number;
  readonly inFlight: number;
  /** How many bytes were acknowledged in total. */
  readonly delivered: number;
  readonly nowMs: number;
}

/**
 * Measures how long the server is silent from time to time, because it syncs its disk or is busy, or because the path
 * has suddenly become longer. What is in flight must last for such a silence, or the line becomes idle.
 *
 * A line that has become slower is silent, too, but there, more bytes in flight would only lengthen the queue.
 * Therefore, a silence counts only when half of what is in flight after it was acknowledged at the rate from before it.
 */
export class Silences {
  readonly #lasted: SlidingHighest = new SlidingHighest(MEMORY_MS);
  #open: { readonly lastedMs: number; readonly deliveredThen: number; readonly latestAtMs: number } | undefined;

  /** The longest silence of the last thirty seconds, in milliseconds; 0 where there was none. */
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
