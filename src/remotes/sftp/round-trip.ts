import type { DeliveryRate } from './delivery-rate.ts';
import type { FlowMemory } from './flow-memory.ts';
import { SHORTEST_REQUEST } from './shortest-request.ts';

/** The weight of the mean of round trips: a single one is too random. */
const SAMPLES = 8;
/** The line is full when round trips are longer than the shortest one by this factor. */
export const FULL = 1.5;
/** Times that are longer than expected by this factor are not random. */
export const LONGER = 1.25;
/** Round trips that are {@link LONGER} for this time are a suspicion. */
const LONGER_FOR_MS = 250;
/** A round trip that is shorter than before by this factor is not random. */
const SHORTER = 0.87;
/**
 * The part of round trip × rate in flight during a probe: little enough that no queue forms, and otherwise as much as
 * possible.
 */
const PROBE_SHARE = 0.7;

export interface Probe {
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

/** What is kept of a request in flight, to measure its round trip when it is acknowledged. */
export interface TimedRequest {
  readonly sentAtMs: number;
  /** The probe during which it was sent. */
  readonly probe: Probe | undefined;
}

/**
 * Measures the round trip of one connection: the usual one, and the shortest one, which is that of the path alone.
 *
 * **Probes.** With a window that keeps the line busy, round trips include the time in our own queue. Therefore, at
 * least every ten seconds and on all connections at once (see {@link FlowMemory}), less than round trip × rate is in
 * flight for about two round trips. The mean of the round trips after the queues are empty becomes the new shortest
 * one; with jitter, the shortest single one would be too rare. Without probes, an old measurement would make the window
 * too small for a path that has become longer, and a new one would include the queue. Where round trips are short
 * anyway, there is no queue, and no probe is needed.
 *
 * **Suspicions.** If all round trips of a quarter of a second are longer than window ÷ rate, the line has become slower
 * or the path longer. A probe distinguishes the two. If the path is as long as before, the old rates are discarded.
 *
 * Between two probes, the shortest round trip only becomes shorter.
 */
export class RoundTrip {
  readonly #memory: FlowMemory;
  readonly #rate: DeliveryRate;
  /** The highest rate since the last probe. */
  #highestRate = 0;
  #shortestMs = Number.POSITIVE_INFINITY;
  #usualMs = 0;
  #longerSinceMs = Number.POSITIVE_INFINITY;
  #probe: Probe | undefined;
  #probedAtMs: number;

  /** @param rate the rate of the same connection, some of whose measurements a probe invalidates */
  constructor(memory: FlowMemory, rate: DeliveryRate, nowMs: number) {
    this.#memory = memory;
    this.#rate = rate;
    this.#probedAtMs = nowMs;
  }

  /** The shortest round trip since the last probe; Infinity before the first one. */
  get shortestMs(): number {
    return this.#shortestMs;
  }

  /** The mean of the latest round trips; 0 before the first one. */
  get usualMs(): number {
    return this.#usualMs;
  }

  /** The probe that is in progress. */
  get probe(): Probe | undefined {
    return this.#probe;
  }

  /** Until something is measured, `roundTripMs` counts, and the rate that is assumed. */
  assume(roundTripMs: number): void {
    this.#shortestMs = roundTripMs;
    this.#highestRate = this.#rate.bytesPerMs;
    this.#usualMs = roundTripMs;
  }

  /** To be called when a request is sent while nothing is in flight: the queue is empty after a pause. */
  onPauseEnded(): void {
    if (this.#usualMs > 0) this.#usualMs = this.#shortestMs;
  }

  /**
   * Measures the round trip of a request that was just acknowledged. May begin or end a probe.
   * @param rate the rate that the same request has measured; 0 where it gave none
   * @param silentMs how much of the round trip the server was silent
   * @param window how many bytes may be in flight, except during a probe
   */
  measure(request: TimedRequest, rate: number, silentMs: number, window: number, nowMs: number): void {
    const roundTripMs = nowMs - request.sentAtMs;
    this.#highestRate = Math.max(this.#highestRate, this.#rate.bytesPerMs);
    this.#usualMs = this.#usualMs === 0 ? roundTripMs : this.#usualMs + (roundTripMs - this.#usualMs) / SAMPLES;
    if (this.#probe !== undefined) {
      this.#onProbeAnswer(this.#probe, request, roundTripMs, nowMs);
      return;
    }
    this.#shortestMs = Math.min(this.#shortestMs, this.#usualMs);
    if (rate > 0) this.#watch(rate, roundTripMs - silentMs, window, nowMs);
  }

  /** Begins a probe when one is due, or reports a suspicion so that one is due soon. */
  #watch(rate: number, lastMs: number, window: number, nowMs: number): void {
    const roundTripMs = this.#usualMs;
    const isLonger = roundTripMs > (LONGER * window) / this.#highestRate;
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
      this.#highestRate = this.#rate.bytesPerMs;
      return;
    }
    // The time until everything in flight has arrived.
    const fullMs = Math.max(lastMs, Math.min(roundTripMs, window / (isSuspect ? rate : this.#rate.bytesPerMs)));
    const bytes = probeWindow((PROBE_SHARE * window * this.#shortestMs) / fullMs);
    this.#begin(bytes, probeAtMs + fullMs, isSuspect ? rate : 0);
  }

  #begin(window: number, drainedAtMs: number, suspectedRate: number): void {
    this.#probe = { window, drainedAtMs, untilMs: drainedAtMs + this.#shortestMs / 4, roundTripsMs: [], suspectedRate };
  }

  /** A request was acknowledged during a probe. */
  #onProbeAnswer(probe: Probe, request: TimedRequest, roundTripMs: number, nowMs: number): void {
    if (request.probe !== probe || request.sentAtMs < probe.drainedAtMs) return;
    const { roundTripsMs, untilMs } = probe;
    if (request.sentAtMs <= untilMs || roundTripsMs.length === 0) roundTripsMs.push(roundTripMs);
    if (request.sentAtMs <= untilMs) return;
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
    if (probe.suspectedRate > 0 && change <= LONGER) this.#rate.replace(probe.suspectedRate, nowMs);
    this.#highestRate = this.#rate.bytesPerMs;
    this.#probe = undefined;
    // Meanwhile, the line is filling again.
    this.#rate.ignoreSentUntil(nowMs + 2 * roundTripMs);
  }
}

/** At least two requests, so that one is in flight while the other is answered. */
function probeWindow(bytes: number): number {
  return Math.max(2 * SHORTEST_REQUEST, bytes);
}
