import type { FlowMemory } from './flow-memory.ts';
import { Silences } from './silences.ts';
import { SlidingHighest } from './sliding-highest.ts';

/** The window before anything is measured. A slow line transfers it soon; on a fast one it triples each round trip. */
const FIRST_WINDOW = 16 * 1024;
/** Shorter requests consist largely of headers. */
export const SHORTEST_REQUEST = 2048;
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
/** The weight of the mean of round trips: a single one is too random. */
const SAMPLES = 8;
/** A silence longer than this, and much longer than expected, is an outage, during which nothing is measured. */
const OUTAGE_MS = 1000;
/** How long a measured rate counts. */
const RATE_MEMORY_MS = 2000;
/** The window in multiples of round trip × rate: until the line was full for the first time, and from then on. */
const FIRST_GAIN = 3;
const GAIN = 2;
/** The line is full when round trips are longer than the shortest one by this factor. */
const FULL = 1.5;
/** Round trips that are longer than expected by this factor, for this time, are not random. */
const LONGER = 1.25;
const LONGER_FOR_MS = 250;
/** A round trip that is shorter than before by this factor is not random. */
const SHORTER = 0.87;
/**
 * The part of round trip × rate in flight during a probe: little enough that no queue forms, and otherwise as much as
 * possible.
 */
const PROBE_SHARE = 0.7;

/** One request in flight, with what is needed to measure rate and round trip when it is acknowledged. */
export interface Flight {
  readonly length: number;
  readonly sentAtMs: number;
  /** How many bytes were acknowledged before it was sent. */
  readonly deliveredBefore: number;
  /** When the last acknowledgement before it arrived, and when the request of that acknowledgement was sent. */
  readonly deliveredAtMs: number;
  readonly deliveredSentAtMs: number;
  /** The probe during which it was sent. */
  readonly probe: Probe | undefined;
}

interface Probe {
  /** How many bytes may be in flight during the probe. */
  readonly window: number;
  /** From then on, no queue contains anything that was sent before the probe. */
  readonly drainedAtMs: number;
  /**
   * Requests sent between `drainedAtMs` and this time are measured. Later, other connections may have ended their
   * probes.
   */
  readonly untilMs: number;
  readonly roundTripsMs: number[];
  /** For a probe because of a suspicion, the rate at that time; otherwise 0. */
  readonly suspectedRate: number;
}

/**
 * Measures the line of one connection, and calculates how much must be in flight to keep the line busy, and no more,
 * because what is in flight cannot be given to another connection. It follows BBR (Cardwell et al., "BBR:
 * Congestion-Based Congestion Control", ACM Queue 14(5), 2016; draft-ietf-ccwg-bbr), applied to requests, and without
 * pacing, which TCP does itself.
 *
 * **Size.** The window is twice the highest rate of the last two seconds × the shortest round trip. It grows only while
 * round trips show that the line is not full: where several connections share a bottleneck, each sees a high rate for a
 * moment, and would otherwise use it for its window. For a server that is silent from time to time (see
 * {@link Silences}), the window is larger by the bytes of such a silence.
 *
 * **Probes.** With such a window, round trips include the time in our own queue. Therefore, at least every ten seconds
 * and on all connections at once (see {@link FlowMemory}), less than round trip × rate is in flight for about two round
 * trips. The mean of the round trips after the queues are empty becomes the new shortest one; with jitter, the shortest
 * single one would be too rare. Without probes, an old measurement would make the window too small for a path that has
 * become longer, and a new one would include the queue. Where round trips are short anyway, there is no queue, and no
 * probe is needed.
 *
 * **Suspicions.** If all round trips of a quarter of a second are longer than window ÷ rate, the line has become slower
 * or the path longer. A probe distinguishes the two. If the path is as long as before, the old rates are discarded.
 */
export class LineModel {
  readonly #memory: FlowMemory;
  /** The longest request that fits one SSH packet. */
  readonly #small: number;
  readonly #silences = new Silences();
  /** Bytes per millisecond. */
  readonly #rates = new SlidingHighest(RATE_MEMORY_MS);
  /** The highest rate since the last probe. */
  #highestRate = 0;
  /** The shortest round trip since the last probe. */
  #shortestMs = Number.POSITIVE_INFINITY;
  /** The mean of the latest round trips; 0 before the first one. */
  #usualMs = 0;
  #window: number;
  #delivered = 0;
  #deliveredAtMs: number;
  #deliveredSentAtMs: number;
  /** The total time in which nothing was in flight, or there was an outage. It does not count for the age of rates. */
  #pausedMs = 0;
  #outageEndedAtMs = Number.NEGATIVE_INFINITY;
  #isStarting = true;
  #longerSinceMs = Number.POSITIVE_INFINITY;
  #probe: Probe | undefined;
  #probedAtMs: number;
  /** Requests sent before this time give no rate, because the line is filling again after a probe. */
  #refilledAtMs = Number.NEGATIVE_INFINITY;

  constructor(memory: FlowMemory, small: number, nowMs: number) {
    this.#memory = memory;
    this.#small = small;
    this.#probedAtMs = nowMs;
    this.#deliveredAtMs = nowMs;
    this.#deliveredSentAtMs = nowMs;
    this.#window = FIRST_WINDOW;
  }

  /** How many bytes may be in flight now. */
  get window(): number {
    return this.#probe?.window ?? this.#window;
  }

  /** The highest recent rate; 0 before it is known. */
  get bytesPerMs(): number {
    return this.#rates.value;
  }

  /** Round trip × rate in bytes; 0 before it is known. */
  get needed(): number {
    return this.#rates.value === 0 ? 0 : this.#rates.value * this.#shortestMs;
  }

  /**
   * Until this connection has measured something, it uses the measurements of the other connections, with a third of
   * their rate: if they share a bottleneck, the others must become slower first; if not, the rate triples in one round
   * trip.
   */
  start(nowMs: number): void {
    const { latest } = this.#memory;
    if (latest === undefined || this.#rates.value > 0) return;
    const rate = latest.bytesPerMs / FIRST_GAIN;
    this.#shortestMs = latest.roundTripMs;
    this.#highestRate = rate;
    this.#rates.add(rate, nowMs - this.#pausedMs);
    this.#usualMs = latest.roundTripMs;
    this.#resize();
  }

  /** @param isAlone whether nothing else is in flight */
  onSent(length: number, isAlone: boolean, nowMs: number): Flight {
    this.#memory.onSent(nowMs);
    if (isAlone) {
      // A pause says nothing about the line, and the queue is empty after it.
      this.#pausedMs += nowMs - this.#deliveredAtMs;
      if (this.#usualMs > 0) this.#usualMs = this.#shortestMs;
      this.#deliveredAtMs = nowMs;
      this.#deliveredSentAtMs = nowMs;
    }
    return {
      length,
      sentAtMs: nowMs,
      deliveredBefore: this.#delivered,
      deliveredAtMs: this.#deliveredAtMs,
      deliveredSentAtMs: this.#deliveredSentAtMs,
      probe: this.#probe,
    };
  }

  /** @param inFlight how many bytes are in flight, including the acknowledged request */
  onAcknowledged(flight: Flight, inFlight: number, nowMs: number): void {
    this.#memory.onAnswer(nowMs);
    const silentMs = this.#memory.silentSince(this.#deliveredAtMs);
    this.#delivered += flight.length;
    this.#deliveredAtMs = nowMs;
    this.#deliveredSentAtMs = flight.sentAtMs;
    const expectedMs = this.#window / this.#rates.value;
    if (silentMs > Math.max(OUTAGE_MS, GAIN * expectedMs)) {
      this.#pausedMs += silentMs;
      this.#outageEndedAtMs = nowMs;
    }
    // The round trips of requests that were in flight during an outage include the outage.
    if (flight.sentAtMs >= this.#outageEndedAtMs) this.#measure(flight, silentMs, nowMs);
    if (this.#rates.value === 0) return;
    this.#silences.note(silentMs, {
      rate: this.#rates.value,
      bridgedMs: Math.max(SHORTEST_ROUND_TRIP_MS, expectedMs - this.#shortestMs),
      inFlight,
      delivered: this.#delivered,
      nowMs,
    });
    this.#resize();
    this.#memory.latest = { bytesPerMs: this.#rates.value, roundTripMs: this.#shortestMs };
  }

  #measure(flight: Flight, silentMs: number, nowMs: number): void {
    const rate = this.#measureRate(flight, nowMs);
    const roundTripMs = nowMs - flight.sentAtMs;
    this.#memory.onMeasured(this, nowMs);
    this.#usualMs = this.#usualMs === 0 ? roundTripMs : this.#usualMs + (roundTripMs - this.#usualMs) / SAMPLES;
    if (this.#probe !== undefined) {
      this.#onProbeAnswer(this.#probe, flight, roundTripMs, nowMs);
      return;
    }
    this.#shortestMs = Math.min(this.#shortestMs, this.#usualMs);
    if (rate > 0) this.#watch(rate, roundTripMs - silentMs, nowMs);
  }

  #measureRate(flight: Flight, nowMs: number): number {
    // Bursts of acknowledgements or of requests say nothing about the rate; therefore the longer of the two times
    // counts.
    const elapsedMs = Math.max(nowMs - flight.deliveredAtMs, flight.sentAtMs - flight.deliveredSentAtMs);
    const rate = elapsedMs > 0 ? (this.#delivered - flight.deliveredBefore) / elapsedMs : 0;
    if (rate > 0 && flight.sentAtMs > this.#refilledAtMs) this.#rates.add(rate, nowMs - this.#pausedMs);
    this.#highestRate = Math.max(this.#highestRate, this.#rates.value);
    return rate;
  }

  /** Begins a probe when one is due, or reports a suspicion so that one is due soon. */
  #watch(rate: number, lastMs: number, nowMs: number): void {
    const roundTripMs = this.#usualMs;
    const isLonger = roundTripMs > (LONGER * this.#window) / this.#highestRate;
    this.#longerSinceMs = isLonger ? Math.min(this.#longerSinceMs, nowMs) : Number.POSITIVE_INFINITY;
    const isSuspect = nowMs - this.#longerSinceMs >= LONGER_FOR_MS;
    const probeAtMs = this.#memory.probeAtMs(nowMs);
    if (probeAtMs <= this.#probedAtMs) {
      if (isSuspect) this.#memory.suspect(nowMs, this.#shortestMs);
      return;
    }
    this.#probedAtMs = probeAtMs;
    this.#longerSinceMs = Number.POSITIVE_INFINITY;
    if (!isSuspect && roundTripMs <= FULL * this.#shortestMs) {
      // There is no queue, so that every round trip measures the path and no probe is needed.
      this.#shortestMs = roundTripMs;
      this.#highestRate = this.#rates.value;
      return;
    }
    // The time until everything in flight has arrived.
    const fullMs = Math.max(lastMs, Math.min(roundTripMs, this.#window / (isSuspect ? rate : this.#rates.value)));
    const window = probeWindow((PROBE_SHARE * this.#window * this.#shortestMs) / fullMs);
    this.#begin(window, probeAtMs + fullMs, isSuspect ? rate : 0);
  }

  #begin(window: number, drainedAtMs: number, suspectedRate: number): void {
    this.#probe = { window, drainedAtMs, untilMs: drainedAtMs + this.#shortestMs / 4, roundTripsMs: [], suspectedRate };
  }

  /** A request was acknowledged during a probe. */
  #onProbeAnswer(probe: Probe, flight: Flight, roundTripMs: number, nowMs: number): void {
    if (flight.probe !== probe || flight.sentAtMs < probe.drainedAtMs) return;
    const { roundTripsMs, untilMs } = probe;
    if (flight.sentAtMs <= untilMs || roundTripsMs.length === 0) roundTripsMs.push(roundTripMs);
    if (flight.sentAtMs <= untilMs) return;
    this.#conclude(probe, roundTripsMs.reduce((sum, one) => sum + one, 0) / roundTripsMs.length, nowMs);
  }

  #conclude(probe: Probe, roundTripMs: number, nowMs: number): void {
    const change = roundTripMs / this.#shortestMs;
    this.#shortestMs = roundTripMs;
    this.#usualMs = roundTripMs;
    if (change < SHORTER && probe.window > probeWindow(0)) {
      // The round trip that was considered the shortest included a queue. This one may, too: probe with a smaller
      // window.
      this.#begin(probeWindow(probe.window * change), nowMs, probe.suspectedRate);
      return;
    }
    if (probe.suspectedRate > 0 && change <= LONGER) this.#rates.replace(probe.suspectedRate, nowMs - this.#pausedMs);
    this.#highestRate = this.#rates.value;
    this.#probe = undefined;
    this.#refilledAtMs = nowMs + 2 * roundTripMs;
  }

  #resize(): void {
    const rate = this.#rates.value;
    const silentMs = this.#silences.longestMs;
    const roundTripMs = Math.min(LONGEST_ROUND_TRIP_MS, Math.max(SHORTEST_ROUND_TRIP_MS, this.#shortestMs));
    const isFull = this.#usualMs > FULL * roundTripMs + silentMs;
    if (isFull) this.#isStarting = false;
    const best = rate * ((this.#isStarting ? FIRST_GAIN : GAIN) * roundTripMs + LONGER * silentMs);
    const least = MIN_REQUESTS * Math.min(this.#small, Math.max(SHORTEST_REQUEST, (rate * LEAST_MS) / MIN_REQUESTS));
    const share = Math.max(MIN_REQUESTS * this.#small, MAX_TOTAL / this.#memory.connections);
    const most = Math.min(MAX_WINDOW, share);
    this.#window = Math.min(most, Math.max(least, isFull ? Math.min(best, this.#window) : best));
  }
}

/** At least two requests, so that one is in flight while the other is answered. */
function probeWindow(bytes: number): number {
  return Math.max(2 * SHORTEST_REQUEST, bytes);
}
