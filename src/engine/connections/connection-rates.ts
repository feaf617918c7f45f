/** Measures how fast each connection is, by samples of the shared counters. */
import type { Counters } from '../runner/counters.ts';

/** The weight of a measurement falls with its age: after this time, it is about a third. */
const MEMORY_MS = 2000;
/** The same for the rate that counts as a connection's own. */
const OWN_MEMORY_MS = 10_000;
/** A connection that is slower than this share of its own rate for {@link COLLAPSED_FOR_MS} has collapsed. */
const COLLAPSED_SHARE = 0.1;
const COLLAPSED_FOR_MS = 2000;

interface Sample {
  acknowledged: number;
  /** Bytes per second at the time when bytes were last acknowledged; 0: not known. */
  bytesPerSecond: number;
  /** The same, with a longer memory. */
  ownBytesPerSecond: number;
  /** When bytes were last acknowledged, or none were in flight. */
  movedAtMs: number;
  /** The same, or when the connection was last excused. */
  silentSinceMs: number;
  /** The samples of the last {@link COLLAPSED_FOR_MS}, oldest first. */
  readonly history: { readonly atMs: number; readonly acknowledged: number }[];
  hasCollapsed: boolean;
}

/**
 * On a slow connection, acknowledgements are rarer than samples. Therefore a rate is computed from the time since the
 * previous acknowledgement, not from the time since the last sample.
 */
export class ConnectionRates {
  readonly #counters: Counters;
  readonly #samples: Map<number, Sample> = new Map();
  #sampledAtMs: number;

  constructor(counters: Counters, nowMs: number) {
    this.#counters = counters;
    this.#sampledAtMs = nowMs;
  }

  /** Adds a new connection, of which nothing is known. */
  add(connection: number, nowMs: number): void {
    this.#samples.set(connection, {
      acknowledged: this.#counters.acknowledged(connection),
      bytesPerSecond: 0,
      ownBytesPerSecond: 0,
      movedAtMs: nowMs,
      silentSinceMs: nowMs,
      history: [],
      hasCollapsed: false,
    });
  }

  remove(connection: number): void {
    this.#samples.delete(connection);
  }

  /** To be called a few times a second. */
  sample(nowMs: number): void {
    if (nowMs <= this.#sampledAtMs) return;
    this.#sampledAtMs = nowMs;
    for (const [connection, sample] of this.#samples) this.#sampleOne(connection, sample, nowMs);
  }

  /** The server was busy with something else, so that the silence of the connections until now does not count. */
  excuse(nowMs: number): void {
    for (const sample of this.#samples.values()) {
      sample.silentSinceMs = nowMs;
      sample.history.length = 0;
      sample.hasCollapsed = false;
    }
  }

  /** The current rate in bytes per second; 0: not known. */
  bytesPerSecond(connection: number): number {
    const sample = this.#samples.get(connection);
    if (sample === undefined || sample.bytesPerSecond === 0) return 0;
    if (sample.hasCollapsed) return Math.max(1, recentRate(sample));
    const silentMs = this.#sampledAtMs - sample.silentSinceMs;
    // At a higher rate, all that is in flight would have been acknowledged by now.
    const most = silentMs > 0 ? (this.#counters.inFlight(connection) / silentMs) * 1000 : Number.POSITIVE_INFINITY;
    return Math.max(1, Math.min(sample.bytesPerSecond, most));
  }

  /** The rate in bytes per second when bytes were last acknowledged; 0: not known. */
  movingBytesPerSecond(connection: number): number {
    return this.#samples.get(connection)?.bytesPerSecond ?? 0;
  }

  /** Milliseconds since bytes were last acknowledged while some are in flight. */
  silentForMs(connection: number, nowMs: number): number {
    return nowMs - (this.#samples.get(connection)?.silentSinceMs ?? nowMs);
  }

  #sampleOne(connection: number, sample: Sample, nowMs: number): void {
    const acknowledged = this.#counters.acknowledged(connection);
    const inFlight = this.#counters.inFlight(connection);
    const bytes = acknowledged - sample.acknowledged;
    if (bytes > 0) {
      const elapsedMs = nowMs - sample.movedAtMs;
      const rate = (bytes / Math.max(1, elapsedMs)) * 1000;
      sample.bytesPerSecond = average(sample.bytesPerSecond, rate, elapsedMs / MEMORY_MS);
      sample.ownBytesPerSecond = average(sample.ownBytesPerSecond, rate, elapsedMs / OWN_MEMORY_MS);
    }
    // While nothing is in flight, no acknowledgement is due.
    if (bytes > 0 || inFlight <= 0) {
      sample.movedAtMs = nowMs;
      sample.silentSinceMs = nowMs;
    }
    sample.acknowledged = acknowledged;
    sample.history.push({ atMs: nowMs, acknowledged });
    if (inFlight <= 0) sample.history.length = 0;
    const { history } = sample;
    while (history.length > 1 && history[1]!.atMs <= nowMs - COLLAPSED_FOR_MS) history.shift();
    sample.hasCollapsed = hasCollapsed(sample, inFlight);
  }
}

/** The first measurement is the average: one that began at 0 would be too low for seconds. */
function average(before: number, rate: number, age: number): number {
  return before === 0 ? rate : before + (1 - Math.exp(-age)) * (rate - before);
}

function hasCollapsed(sample: Sample, inFlight: number): boolean {
  const { history, ownBytesPerSecond } = sample;
  const observedMs = history.length < 2 ? 0 : history.at(-1)!.atMs - history[0]!.atMs;
  if (observedMs < COLLAPSED_FOR_MS) return false;
  // At its own rate, all that is in flight would have been acknowledged in this time.
  const isSignificant = (ownBytesPerSecond * observedMs) / 1000 > inFlight;
  return isSignificant && recentRate(sample) < COLLAPSED_SHARE * ownBytesPerSecond;
}

/** Bytes per second in the time of the history. */
function recentRate({ history }: Sample): number {
  const [first, last] = [history[0], history.at(-1)];
  if (first === undefined || last === undefined || last.atMs === first.atMs) return 0;
  return ((last.acknowledged - first.acknowledged) / (last.atMs - first.atMs)) * 1000;
}
