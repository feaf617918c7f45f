/** How fast each connection is, sampled from the shared counters. */
import type { Counters } from './counters.ts';

/** Older samples weigh less: after this long, about a third. */
const MEMORY_MS = 2000;

interface Sample {
  acknowledged: number;
  bytesPerSecond: number;
  /** The rate when bytes were last acknowledged: it does not sink with the silence after it. */
  movingBytesPerSecond: number;
  /** When bytes were last acknowledged, or none were in flight. */
  movedAtMs: number;
}

export class ConnectionRates {
  readonly #counters: Counters;
  readonly #samples: Map<number, Sample> = new Map();
  #sampledAtMs: number;

  constructor(counters: Counters, nowMs: number) {
    this.#counters = counters;
    this.#sampledAtMs = nowMs;
  }

  /** A new connection: nothing is known of it. */
  add(connection: number, nowMs: number): void {
    const acknowledged = this.#counters.acknowledged(connection);
    this.#samples.set(connection, { acknowledged, bytesPerSecond: 0, movingBytesPerSecond: 0, movedAtMs: nowMs });
  }

  remove(connection: number): void {
    this.#samples.delete(connection);
  }

  /** To be called a few times a second. */
  sample(nowMs: number): void {
    const elapsedMs = nowMs - this.#sampledAtMs;
    if (elapsedMs <= 0) return;
    this.#sampledAtMs = nowMs;
    const weight = 1 - Math.exp(-elapsedMs / MEMORY_MS);
    for (const [connection, sample] of this.#samples) {
      const acknowledged = this.#counters.acknowledged(connection);
      const now = ((acknowledged - sample.acknowledged) / elapsedMs) * 1000;
      // With nothing in flight there is nothing to be silent about.
      if (now > 0 || this.#counters.inFlight(connection) === 0) sample.movedAtMs = nowMs;
      // The first bytes tell the rate at once; an average that begins at nothing would take seconds to come up.
      sample.bytesPerSecond =
        sample.bytesPerSecond === 0 ? now : sample.bytesPerSecond + weight * (now - sample.bytesPerSecond);
      if (now > 0) sample.movingBytesPerSecond = sample.bytesPerSecond;
      sample.acknowledged = acknowledged;
    }
  }

  /** 0: not known. */
  bytesPerSecond(connection: number): number {
    return this.#samples.get(connection)?.bytesPerSecond ?? 0;
  }

  /** What it had when it last moved; 0: not known. */
  movingBytesPerSecond(connection: number): number {
    return this.#samples.get(connection)?.movingBytesPerSecond ?? 0;
  }

  /** Milliseconds since bytes were last acknowledged on it, while some are in flight. */
  silentForMs(connection: number, nowMs: number): number {
    return nowMs - (this.#samples.get(connection)?.movedAtMs ?? nowMs);
  }
}
