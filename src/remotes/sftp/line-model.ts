import type { FlowMemory } from './flow-memory.ts';
import { Silences } from './silences.ts';
import { SlidingHighest } from './sliding-highest.ts';

/** Before anything is measured. A slow line has carried this soon; on a fast one the window triples each round trip. */
const FIRST_WINDOW = 16 * 1024;
/** Shorter requests consist of headers to a large part. */
export const SHORTEST_REQUEST = 2048;
/** What OpenSSH lets be in flight on a channel (channels.h); more would only wait on this side. */
const MAX_WINDOW = 2 * 1024 * 1024;
/**
 * All windows of a thread together. A thread encrypts less than 700 MB/s, which fills a path of 70 ms with this; where many
 * connections share a processor, their round trips contain its queue, and would have each of them take all that it may.
 */
const MAX_TOTAL = 48 * 1024 * 1024;
/** With fewer requests in flight the server would wait for us between two of them. */
const MIN_REQUESTS = 3;
/** What is in flight lasts for this long at least, unless it is {@link MIN_REQUESTS} of full length. */
const LEAST_MS = 500;
/** Shorter round trips than this are noise of the processes at both ends. */
const SHORTEST_ROUND_TRIP_MS = 5;
/** A longer one counts as this, which fills paths up to twice as long: it may have a queue in it that no probe got rid of. */
const LONGEST_ROUND_TRIP_MS = 500;
/** Round trips of which a mean is taken, as single ones are a matter of chance. */
const SAMPLES = 8;
/** A silence that is longer than this, and much longer than expected, says nothing of the line when it is not silent. */
const OUTAGE_MS = 1000;
/** For how long a measured rate counts. */
const RATE_MEMORY_MS = 2000;
/** Multiples of round trip × rate: until the line was full for the first time, and from then on. */
const FIRST_GAIN = 3;
const GAIN = 2;
/** So much more than the shortest round trip means that the line is full. */
const FULL = 1.5;
/** So much longer than expected is not noise, if it is so for some time. */
const LONGER = 1.25;
const LONGER_FOR_MS = 250;
/** And so much shorter. */
const SHORTER = 0.87;
/** Of round trip × rate, in flight during a probe: so much less that there is no queue, and little enough that the line is idle for a short time only. */
const PROBE_SHARE = 0.7;

/** One request in flight; what is needed to measure with it. */
export interface Flight {
  readonly length: number;
  readonly sentAtMs: number;
  /** Bytes acknowledged before it was sent, when the last of them was, and when that one was sent. */
  readonly deliveredBefore: number;
  readonly deliveredAtMs: number;
  readonly deliveredSentAtMs: number;
  /** The probe during which it was sent. */
  readonly probe: Probe | undefined;
}

interface Probe {
  /** Bytes that may be in flight meanwhile. */
  readonly window: number;
  /** From then on no queue holds anything that was sent before the probe. */
  readonly drainedAtMs: number;
  /** What was sent between the two is measured: later, another connection may have ended its probe. */
  readonly untilMs: number;
  readonly roundTripsMs: number[];
  /** Where the reason is that round trips were longer than expected: the rate at that time; otherwise 0. */
  readonly suspectedRate: number;
}

/**
 * What one connection has measured of its line, and how much has to be in flight for the line never to stand still, and
 * no more: what is in flight cannot be taken back, nor given to another connection. This follows BBR (Cardwell et al.,
 * "BBR: Congestion-Based Congestion Control", ACM Queue 14(5), 2016; draft-ietf-ccwg-bbr), in terms of requests and
 * without pacing, as TCP below does its own.
 *
 * **Size.** Twice the highest rate of the last two seconds × the shortest round trip. It grows only while round trips show
 * that the line is not full, because each of several connections that share a bottleneck sees a high rate for a moment,
 * and would otherwise remember it. A server that is silent now and then (see {@link Silences}) needs that much more.
 *
 * **Probes.** With such a window round trips contain a queue of our own. So at least every ten seconds, on all connections
 * at once (see {@link FlowMemory}), less than round trip × rate is in flight for about two round trips. The mean of the
 * round trips after the queues are gone is the new shortest one: a mean, because with jitter the very shortest is a rare
 * one. Without that, a value from the beginning would starve a path that has become longer, and one from last time would
 * contain the queue it caused. Where round trips are short anyway there is no queue, and no probe is needed.
 *
 * **Suspicions.** All round trips of a quarter of a second are longer than window ÷ rate: the line is slower, or the path
 * is longer. That looks the same, so a probe decides. If it finds the path as it was, the old rates are forgotten.
 */
export class LineModel {
  readonly #memory: FlowMemory;
  /** The longest request that fits one SSH packet. */
  readonly #small: number;
  readonly #silences = new Silences();
  /** Bytes per millisecond. */
  readonly #rates = new SlidingHighest(RATE_MEMORY_MS);
  /** Both since the last probe. */
  #highestRate = 0;
  #shortestMs = Number.POSITIVE_INFINITY;
  /** The mean of the latest round trips; 0 before the first one. */
  #usualMs = 0;
  #window: number;
  #delivered = 0;
  #deliveredAtMs: number;
  #deliveredSentAtMs: number;
  /** Time in which nothing was in flight, or nothing moved. */
  #pausedMs = 0;
  #outageEndedAtMs = Number.NEGATIVE_INFINITY;
  #isStarting = true;
  #longerSinceMs = Number.POSITIVE_INFINITY;
  #probe: Probe | undefined;
  #probedAtMs: number;
  /** What is sent before is measured while the line fills after a probe: whoever is first finds it empty. */
  #refilledAtMs = Number.NEGATIVE_INFINITY;

  constructor(memory: FlowMemory, small: number, nowMs: number) {
    this.#memory = memory;
    this.#small = small;
    this.#probedAtMs = nowMs;
    this.#deliveredAtMs = nowMs;
    this.#deliveredSentAtMs = nowMs;
    this.#window = FIRST_WINDOW;
  }

  /** Bytes that may be in flight now. */
  get window(): number {
    return this.#probe?.window ?? this.#window;
  }

  /** The highest rate of late; 0 before it is known. */
  get bytesPerMs(): number {
    return this.#rates.value;
  }

  /** Round trip × rate in bytes; 0 before it is known. */
  get needed(): number {
    return this.#rates.value === 0 ? 0 : this.#rates.value * this.#shortestMs;
  }

  /**
   * Until this connection has measured something, it relies on what others have measured. It begins with a third of their
   * rate: if they share a bottleneck, they have to become slower first, and if not, one round trip makes up for it.
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
  sent(length: number, isAlone: boolean, nowMs: number): Flight {
    this.#memory.sent(nowMs);
    if (isAlone) {
      // A pause says nothing of the line, and leaves no queue.
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

  /** @param inFlight with the acknowledged request */
  acknowledged(flight: Flight, inFlight: number, nowMs: number): void {
    this.#memory.answered(nowMs);
    const silentMs = this.#memory.silentSince(this.#deliveredAtMs);
    this.#delivered += flight.length;
    this.#deliveredAtMs = nowMs;
    this.#deliveredSentAtMs = flight.sentAtMs;
    const expectedMs = this.#window / this.#rates.value;
    if (silentMs > Math.max(OUTAGE_MS, GAIN * expectedMs)) {
      this.#pausedMs += silentMs;
      this.#outageEndedAtMs = nowMs;
    }
    // What was in flight during an outage has measured the outage.
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
    this.#memory.measured(this, nowMs);
    this.#usualMs = this.#usualMs === 0 ? roundTripMs : this.#usualMs + (roundTripMs - this.#usualMs) / SAMPLES;
    if (this.#probe !== undefined) {
      this.#probed(this.#probe, flight, roundTripMs, nowMs);
      return;
    }
    this.#shortestMs = Math.min(this.#shortestMs, this.#usualMs);
    if (rate > 0) this.#watch(rate, roundTripMs - silentMs, nowMs);
  }

  #measureRate(flight: Flight, nowMs: number): number {
    // Neither acknowledgements nor requests that come all at once say anything of the rate: the longer time counts.
    const elapsedMs = Math.max(nowMs - flight.deliveredAtMs, flight.sentAtMs - flight.deliveredSentAtMs);
    const rate = elapsedMs > 0 ? (this.#delivered - flight.deliveredBefore) / elapsedMs : 0;
    if (rate > 0 && flight.sentAtMs > this.#refilledAtMs) this.#rates.add(rate, nowMs - this.#pausedMs);
    this.#highestRate = Math.max(this.#highestRate, this.#rates.value);
    return rate;
  }

  /** Begins a probe when it is time for one, or sees to it that it soon is. */
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
      // There is no queue to get rid of: the path is measured all the time.
      this.#shortestMs = roundTripMs;
      this.#highestRate = this.#rates.value;
      return;
    }
    // How long it takes until what is in flight has arrived.
    const fullMs = Math.max(lastMs, Math.min(roundTripMs, this.#window / (isSuspect ? rate : this.#rates.value)));
    const window = probeWindow((PROBE_SHARE * this.#window * this.#shortestMs) / fullMs);
    this.#begin(window, probeAtMs + fullMs, isSuspect ? rate : 0);
  }

  #begin(window: number, drainedAtMs: number, suspectedRate: number): void {
    this.#probe = { window, drainedAtMs, untilMs: drainedAtMs + this.#shortestMs / 4, roundTripsMs: [], suspectedRate };
  }

  /** A request of the time of a probe is acknowledged. */
  #probed(probe: Probe, flight: Flight, roundTripMs: number, nowMs: number): void {
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
      // What had been taken for the shortest contained a queue. So may this one; an even smaller window will tell.
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

/** Two requests at least: one is under way while the other is answered. */
function probeWindow(bytes: number): number {
  return Math.max(2 * SHORTEST_REQUEST, bytes);
}
