/** When a connection that was given up after refusals is tried again: one at a time, and ever more rarely. */
import { revivalDelayMs } from './retry-policy.ts';

export class Revival {
  readonly #onDue: () => boolean;
  /** Trials in a row after which the server refused again. */
  #trials = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `onDue` tries one, and returns whether there was one to try. */
  constructor(onDue: () => boolean) {
    this.#onDue = onDue;
  }

  /** Whether one was tried again since the last connection opened. */
  get hasTried(): boolean {
    return this.#trials > 0;
  }

  /** A connection was given up after refusals: the next trial comes later. */
  schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#onDue()) this.#trials++;
    }, revivalDelayMs(this.#trials));
  }

  /** A connection opened. */
  onOpened(): void {
    this.#trials = 0;
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
