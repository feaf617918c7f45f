/**
 * Checks at intervals whether a source has changed, so that a change is noticed before the whole file was sent. A
 * source that cannot be examined is examined again later: only a check at the end of the copy makes that a failure.
 */
import { CopyError } from '../../errors.ts';
import type { LocalSource } from './local-source.ts';

const EVERY_MS = 3000;
/** The checks take at most this share of the time, even on a slow network file system. */
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

  /**
   * To be called at intervals. At most one check is in progress; nobody waits for it, because a file system may hang.
   */
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
    }
    const endedMs = performance.now();
    this.#nextMs = endedMs + Math.max(EVERY_MS, (endedMs - beganMs) / SHARE);
    this.#isLooking = false;
  }
}
