/**
 * How long something is tried again that fails: until it has failed for some time without any progress in between. The
 * number of failures does not matter.
 */
export class Patience {
  readonly #limitMs: number;
  /** The first failure since the last progress. */
  #failingSinceMs: number | undefined;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  progressed(): void {
    this.#failingSinceMs = undefined;
  }

  /** It failed at `nowMs`, as of `performance.now()`. Whether it is to be given up. */
  hasEnded(nowMs: number): boolean {
    this.#failingSinceMs ??= nowMs;
    return nowMs - this.#failingSinceMs >= this.#limitMs;
  }
}
