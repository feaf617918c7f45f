/**
 * Decides how long the job of one file begins again after failures: until it has come no further than ever before for
 * the time to retry. A connection that always breaks at the same place is no progress, however many bytes it carries.
 */
import { Patience } from '../connections/patience.ts';

export class JobPatience {
  readonly #patience: Patience;
  /** The most bytes that were acknowledged at one time. */
  #mostAcknowledged = 0;

  /** `limitMs`: the time to retry. */
  constructor(limitMs: number) {
    this.#patience = new Patience(limitMs);
  }

  /** `bytes` of the file are acknowledged now, in this attempt. */
  onAcknowledged(bytes: number): void {
    if (bytes <= this.#mostAcknowledged) return;
    this.#mostAcknowledged = bytes;
    this.#patience.onProgress();
  }

  /** The job failed at `nowMs`, by `performance.now()`. Returns whether it is to be given up. */
  hasEnded(nowMs: number): boolean {
    return this.#patience.hasEnded(nowMs);
  }
}
