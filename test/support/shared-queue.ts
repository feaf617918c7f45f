/** How much waits, over all connections, for the rate that they share. */
export class SharedQueue {
  readonly #bytesPerSecond: number;
  readonly #limitBytes: number;
  #bytes = 0;

  constructor(bytesPerSecond: number, limitBytes: number) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#limitBytes = limitBytes;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  remove(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** What is on its way for `delayMs` does not wait yet. */
  isFull(delayMs: number): boolean {
    return this.#bytes >= this.#limitBytes + (this.#bytesPerSecond * delayMs) / 1000;
  }
}
