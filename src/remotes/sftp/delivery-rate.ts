import { SlidingHighest } from './sliding-highest.ts';

/** What is kept of a request in flight, to measure the rate when it is acknowledged. */
export interface SentRequest {
  readonly length: number;
  readonly sentAtMs: number;
  /** How many bytes were acknowledged before it was sent. */
  readonly deliveredBefore: number;
  /** When the last acknowledgement before it arrived, and when the request of that acknowledgement was sent. */
  readonly deliveredAtMs: number;
  readonly deliveredSentAtMs: number;
}

/** How long a measured rate counts. */
const RATE_MEMORY_MS = 2000;

/**
 * Measures the rate at which the requests of one connection are acknowledged, like the delivery rate of BBR
 * (draft-cheng-iccrg-delivery-rate-estimation). Each request gives one sample: what was acknowledged from when it was
 * sent until it was acknowledged itself, divided by that time. The highest sample of the last two seconds counts.
 *
 * Requests and acknowledgements can come in bursts, there can be nothing to send, and the line can be interrupted. No
 * burst makes the rate higher than that of the line, and pauses and outages do not make it lower: no sample contains
 * them, and they do not make the earlier samples older.
 */
export class DeliveryRate {
  /** Bytes per millisecond. */
  readonly #rates = new SlidingHighest(RATE_MEMORY_MS);
  #delivered = 0;
  #deliveredAtMs: number;
  #deliveredSentAtMs: number;
  /** The total time in which nothing was in flight, or there was an outage. It does not count for the age of rates. */
  #pausedMs = 0;
  #outageEndedAtMs = Number.NEGATIVE_INFINITY;
  /** The samples of requests sent until this time do not count. */
  #countedFromMs = Number.NEGATIVE_INFINITY;

  constructor(nowMs: number) {
    this.#deliveredAtMs = nowMs;
    this.#deliveredSentAtMs = nowMs;
  }

  /** The highest recent rate; 0 before it is known. */
  get bytesPerMs(): number {
    return this.#rates.value;
  }

  /** How many bytes were acknowledged. */
  get delivered(): number {
    return this.#delivered;
  }

  /** When the last acknowledgement arrived, or something was sent while nothing was in flight. */
  get deliveredAtMs(): number {
    return this.#deliveredAtMs;
  }

  /** When the request of the last acknowledgement was sent, or as {@link deliveredAtMs}. */
  get deliveredSentAtMs(): number {
    return this.#deliveredSentAtMs;
  }

  /** To be called when a request is sent while nothing is in flight: a pause says nothing about the line. */
  onPauseEnded(nowMs: number): void {
    this.#pausedMs += nowMs - this.#deliveredAtMs;
    this.#deliveredAtMs = nowMs;
    this.#deliveredSentAtMs = nowMs;
  }

  /** To be called with each acknowledgement, before {@link sample}. */
  onAcknowledged(sent: SentRequest, nowMs: number): void {
    this.#delivered += sent.length;
    this.#deliveredAtMs = nowMs;
    this.#deliveredSentAtMs = sent.sentAtMs;
  }

  /** To be called at the first acknowledgement after an outage. */
  onOutageEnded(lastedMs: number, nowMs: number): void {
    this.#pausedMs += lastedMs;
    this.#outageEndedAtMs = nowMs;
  }

  /** Whether a request was in flight during an outage. Its rate and its round trip contain the outage. */
  wasInterrupted(sent: SentRequest): boolean {
    return sent.sentAtMs < this.#outageEndedAtMs;
  }

  /** The sample of a request that was just acknowledged, and not interrupted; 0 where it gives none. */
  sample(sent: SentRequest, nowMs: number): number {
    // Bursts of acknowledgements or of requests say nothing about the rate; therefore the longer of the two times
    // counts.
    const elapsedMs = Math.max(nowMs - sent.deliveredAtMs, sent.sentAtMs - sent.deliveredSentAtMs);
    const rate = elapsedMs > 0 ? (this.#delivered - sent.deliveredBefore) / elapsedMs : 0;
    if (rate > 0 && sent.sentAtMs > this.#countedFromMs) this.add(rate, nowMs);
    return rate;
  }

  /** From now on, the samples of requests sent until `untilMs` do not count. */
  ignoreSentUntil(untilMs: number): void {
    this.#countedFromMs = untilMs;
  }

  /** Counts a rate, such as one that another connection has measured. */
  add(rate: number, nowMs: number): void {
    this.#rates.add(rate, nowMs - this.#pausedMs);
  }

  /** Discards all other rates. */
  replace(rate: number, nowMs: number): void {
    this.#rates.replace(rate, nowMs - this.#pausedMs);
  }
}
