/**
 * What may go out at once after a timer came late. Above 16 MB/s it is what 4 ms carry, as timers tick in milliseconds.
 */
const BURST_BYTES = 64 * 1024;
const BURST_MS = 4;

/** A line's speed as a schedule: when it will have carried what it was given. Time in which it is idle is lost. */
export class Lane {
  readonly bytesPerSecond: number;
  #freeAt = 0;

  constructor(bytesPerSecond: number) {
    this.bytesPerSecond = bytesPerSecond;
  }

  get isUnlimited(): boolean {
    return this.bytesPerSecond === Number.POSITIVE_INFINITY;
  }

  get burstBytes(): number {
    return Math.max(BURST_BYTES, (this.bytesPerSecond * BURST_MS) / 1000);
  }

  /** How many bytes, ready since `readyAt`, have passed by now. */
  allowance(now: number, readyAt: number): number {
    if (this.isUnlimited) return Number.POSITIVE_INFINITY;
    return Math.min(this.burstBytes, ((now - this.#begin(now, readyAt)) * this.bytesPerSecond) / 1000);
  }

  take(bytes: number, now: number, readyAt: number): void {
    if (this.isUnlimited) return;
    this.#freeAt = this.#begin(now, readyAt) + (bytes / this.bytesPerSecond) * 1000;
  }

  /** When `bytes` that wait since `readyAt` will have passed. */
  dueAt(bytes: number, now: number, readyAt: number): number {
    if (this.isUnlimited) return readyAt;
    return this.#begin(now, readyAt) + (bytes / this.bytesPerSecond) * 1000;
  }

  /** No credit for the time until now. */
  restart(now: number): void {
    this.#freeAt = Math.max(this.#freeAt, now);
  }

  #begin(now: number, readyAt: number): number {
    return Math.max(this.#freeAt, readyAt, now - (this.burstBytes / this.bytesPerSecond) * 1000);
  }
}
