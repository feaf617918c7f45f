/**
 * A deadline for the answers of a server. It does not run while a person, an agent or another connection is waited for.
 *
 * States: running, held (by one or more calls of {@link during}), ended. Before the first {@link restart} it does not
 * run.
 */
export class PatientDeadline {
  readonly #ms: number;
  readonly #onExpired: () => void;
  #timer: NodeJS.Timeout | undefined;
  #holds = 0;
  #isEnded = false;

  /** @param onExpired called at most once */
  constructor(ms: number, onExpired: () => void) {
    this.#ms = ms;
    this.#onExpired = onExpired;
  }

  /** Starts the full time again. While it is held, this has no effect: the time starts when the last hold has ended. */
  restart(): void {
    clearTimeout(this.#timer);
    if (this.#isEnded || this.#holds > 0) return;
    this.#timer = setTimeout(() => {
      this.end();
      this.#onExpired();
    }, this.#ms);
  }

  /** Holds the deadline until `work` has settled; then the full time starts again. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#holds++;
    clearTimeout(this.#timer);
    try {
      return await work;
    } finally {
      this.#holds--;
      this.restart();
    }
  }

  end(): void {
    this.#isEnded = true;
    clearTimeout(this.#timer);
  }
}
