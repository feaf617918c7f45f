/**
 * What one task has carried so far. Parts are collected for a short time before they are reported, so that there are
 * few messages.
 */
import type { Range } from '../../remotes/remote.ts';
import { RangeSet } from '../../util/range-set.ts';

/** How long parts are collected before they are reported. */
const REPORT_EVERY_MS = 50;

export class TaskProgress {
  readonly #onProgress: (parts: readonly Range[]) => void;
  readonly #fresh = new RangeSet();
  #timer: NodeJS.Timeout | undefined;
  #total = 0;

  /** `onProgress` is called with parts that were not reported before. */
  constructor(onProgress: (parts: readonly Range[]) => void) {
    this.#onProgress = onProgress;
  }

  /** Bytes, whether they were reported or not. */
  get total(): number {
    return this.#total;
  }

  add(part: Range): void {
    this.#total += part.length;
    this.#fresh.add(part);
    this.#timer ??= setTimeout(() => this.flush(), REPORT_EVERY_MS);
  }

  /** Reports what was not reported yet, if there is anything. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const parts = [...this.#fresh];
    for (const part of parts) this.#fresh.remove(part);
    if (parts.length > 0) this.#onProgress(parts);
  }
}
