/**
 * Decides how long a failing operation is tried again: until it has been failing for some time without progress. The
 * number of failures does not matter.
 */
export class Patience {
  readonly #limitMs: number;
  /** The first failure since the last progress. */
  #failingSinceMs: number | undefined;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  onProgress(): void {
    this.#failingSinceMs = undefined;
  }

  /** The operation failed at `nowMs`, by `performance.now()`. Returns whether it is to be given up. */
  hasEnded(nowMs: number): boolean {
    this.#failingSinceMs ??= nowMs;
    return nowMs - this.#failingSinceMs >= this.#limitMs;
  }
}
