import { DeliveryRate, type SentRequest } from './delivery-rate.ts';
import type { FlowMemory } from './flow-memory.ts';
import { FULL, LONGER, RoundTrip, type TimedRequest } from './round-trip.ts';
import { SHORTEST_REQUEST } from './shortest-request.ts';
import { Silences } from './silences.ts';

/** The window before anything is measured. A slow line transfers it soon; on a fast one it triples each round trip. */
const FIRST_WINDOW = 16 * 1024;
/** What OpenSSH allows to be in flight on a channel (channels.h). More would only wait on this side. */
const MAX_WINDOW = 2 * 1024 * 1024;
/**
 * The limit for all windows of a thread together. A thread encrypts less than 700 MB/s, and this is enough for that
 * rate at a round trip of 70 ms. Where many connections share a processor, its queue makes their round trips longer,
 * and without this limit each of them would use the largest window.
 */
const MAX_TOTAL = 48 * 1024 * 1024;
/** With fewer requests in flight, the server would wait for the next request after each one. */
const MIN_REQUESTS = 3;
/** What is in flight must last for at least this long, unless it is {@link MIN_REQUESTS} of full length. */
const LEAST_MS = 500;
/** Shorter round trips than this depend on the scheduling of the processes at both ends rather than on the path. */
const SHORTEST_ROUND_TRIP_MS = 5;
/**
 * The longest round trip that is used, because a longer one may contain a queue that no probe removed. With
 * {@link GAIN}, it still fills paths of up to twice this time.
 */
const LONGEST_ROUND_TRIP_MS = 500;
/** A silence longer than this, and much longer than expected, is an outage, during which nothing is measured. */
const OUTAGE_MS = 1000;
/** The window in multiples of round trip × rate: until the line was full for the first time, and from then on. */
const FIRST_GAIN = 3;
const GAIN = 2;

/** One request in flight, with what is needed to measure rate and round trip when it is acknowledged. */
export interface Flight extends SentRequest, TimedRequest {}

/**
 * Measures the line of one connection, and calculates how much must be in flight to keep the line busy, and no more,
 * because what is in flight cannot be given to another connection. It follows BBR (Cardwell et al., "BBR:
 * Congestion-Based Congestion Control", ACM Queue 14(5), 2016; draft-ietf-ccwg-bbr), applied to requests, and without
 * pacing, which TCP does itself.
 *
 * The window is twice the highest rate of the last two seconds (see {@link DeliveryRate}) × the shortest round trip
 * (see {@link RoundTrip}). It grows only while round trips show that the line is not full: where several connections
 * share a bottleneck, each sees a high rate for a moment, and would otherwise use it for its window. For a server that
 * is silent from time to time (see {@link Silences}), the window is larger by the bytes of such a silence.
 */
export class LineModel {
  readonly #memory: FlowMemory;
  /** The longest request that fits one SSH packet. */
  readonly #small: number;
  readonly #rate: DeliveryRate;
  readonly #roundTrip: RoundTrip;
  readonly #silences = new Silences();
  #window: number = FIRST_WINDOW;
  /** Whether the line was never full. */
  #isStarting = true;

  constructor(memory: FlowMemory, small: number, nowMs: number) {
    this.#memory = memory;
    this.#small = small;
    this.#rate = new DeliveryRate(nowMs);
    this.#roundTrip = new RoundTrip(memory, this.#rate, nowMs);
  }

  /** How many bytes may be in flight now. */
  get window(): number {
    return this.#roundTrip.probe?.window ?? this.#window;
  }

  /** The highest recent rate; 0 before it is known. */
  get bytesPerMs(): number {
    return this.#rate.bytesPerMs;
  }

  /** Round trip × rate in bytes; 0 before it is known. */
  get needed(): number {
    const rate = this.#rate.bytesPerMs;
    return rate === 0 ? 0 : rate * this.#roundTrip.shortestMs;
  }

  /**
   * Until this connection has measured something, it uses the measurements of the other connections, with a third of
   * their rate: if they share a bottleneck, the others must become slower first; if not, the rate triples in one round
   * trip.
   */
  start(nowMs: number): void {
    const { latest } = this.#memory;
    if (latest === undefined || this.#rate.bytesPerMs > 0) return;
    this.#rate.add(latest.bytesPerMs / FIRST_GAIN, nowMs);
    this.#roundTrip.assume(latest.roundTripMs);
    this.#resize();
  }

  /** @param isAlone whether nothing else is in flight */
  onSent(length: number, isAlone: boolean, nowMs: number): Flight {
    this.#memory.onSent(nowMs);
    if (isAlone) {
      this.#rate.onPauseEnded(nowMs);
      this.#roundTrip.onPauseEnded();
    }
    return {
      length,
      sentAtMs: nowMs,
      deliveredBefore: this.#rate.delivered,
      deliveredAtMs: this.#rate.deliveredAtMs,
      deliveredSentAtMs: this.#rate.deliveredSentAtMs,
      probe: this.#roundTrip.probe,
    };
  }

  /** @param inFlight how many bytes are in flight, including the acknowledged request */
  onAcknowledged(flight: Flight, inFlight: number, nowMs: number): void {
    this.#memory.onAnswer(nowMs);
    const silentMs = this.#memory.silentSince(this.#rate.deliveredAtMs);
    this.#rate.onAcknowledged(flight, nowMs);
    const expectedMs = this.#window / this.#rate.bytesPerMs;
    if (silentMs > Math.max(OUTAGE_MS, GAIN * expectedMs)) this.#rate.onOutageEnded(silentMs, nowMs);
    if (!this.#rate.wasInterrupted(flight)) this.#measure(flight, silentMs, nowMs);
    const rate = this.#rate.bytesPerMs;
    if (rate === 0) return;
    const { shortestMs } = this.#roundTrip;
    this.#silences.note(silentMs, {
      rate,
      bridgedMs: Math.max(SHORTEST_ROUND_TRIP_MS, expectedMs - shortestMs),
      inFlight,
      delivered: this.#rate.delivered,
      nowMs,
    });
    this.#resize();
    this.#memory.latest = { bytesPerMs: rate, roundTripMs: shortestMs };
  }

  #measure(flight: Flight, silentMs: number, nowMs: number): void {
    const rate = this.#rate.sample(flight, nowMs);
    this.#memory.onMeasured(this, nowMs);
    this.#roundTrip.measure(flight, rate, silentMs, this.#window, nowMs);
  }

  #resize(): void {
    const rate = this.#rate.bytesPerMs;
    const { shortestMs, usualMs } = this.#roundTrip;
    const silentMs = this.#silences.longestMs;
    const roundTripMs = Math.min(LONGEST_ROUND_TRIP_MS, Math.max(SHORTEST_ROUND_TRIP_MS, shortestMs));
    const isFull = usualMs > FULL * roundTripMs + silentMs;
    if (isFull) this.#isStarting = false;
    const best = rate * ((this.#isStarting ? FIRST_GAIN : GAIN) * roundTripMs + LONGER * silentMs);
    const least = MIN_REQUESTS * Math.min(this.#small, Math.max(SHORTEST_REQUEST, (rate * LEAST_MS) / MIN_REQUESTS));
    const share = Math.max(MIN_REQUESTS * this.#small, MAX_TOTAL / this.#memory.connections);
    const most = Math.min(MAX_WINDOW, share);
    this.#window = Math.min(most, Math.max(least, isFull ? Math.min(best, this.#window) : best));
  }
}
