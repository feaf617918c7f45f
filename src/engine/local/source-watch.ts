/** Looks now and then whether a source has changed, so that a change is not noticed only when everything is sent. */
import { CopyError } from '../../errors.ts';
import type { LocalSource } from './local-source.ts';

const EVERY_MS = 3000;
/** Looking takes at most this share of the time, on a slow network file system too. */
const SHARE = 1 / 20;

export class SourceWatch {
  readonly #source: Pick<LocalSource, 'checkUnchanged'>;
  readonly #onChanged: (error: CopyError) => void;
  #nextMs: number;
  #isLooking = false;

  /** `onChanged` is called at most once. */
  constructor(
    source: Pick<LocalSource, 'checkUnchanged'>,
    onChanged: (error: CopyError) => void,
    nowMs: number = performance.now(),
  ) {
    this.#source = source;
    this.#onChanged = onChanged;
    this.#nextMs = nowMs + EVERY_MS;
  }

  /** To be called now and then. One look at a time: it waits for a file system that hangs, and nobody waits for it. */
  lookIfDue(nowMs: number): void {
    if (this.#isLooking || nowMs < this.#nextMs) return;
    this.#isLooking = true;
    void this.#look(nowMs);
  }

  async #look(beganMs: number): Promise<void> {
    try {
      await this.#source.checkUnchanged();
    } catch (error) {
      const failure = CopyError.from(error);
      if (failure.code === 'source-changed') {
        this.#nextMs = Number.POSITIVE_INFINITY;
        this.#isLooking = false;
        return this.#onChanged(failure);
      }
      // What cannot be looked at now is looked at again; at the end it counts.
    }
    const endedMs = performance.now();
    this.#nextMs = endedMs + Math.max(EVERY_MS, (endedMs - beganMs) / SHARE);
    this.#isLooking = false;
  }
}
