/** The pieces of one file that are verified, each by one method. Pure bookkeeping. */
import type { DigestMethod, Range } from '../../remotes/remote.ts';
import { RangeSet } from '../../util/range-set.ts';

export type VerificationMethod = DigestMethod | 'read-back';

export class VerifiedRanges {
  readonly #all: RangeSet = new RangeSet();
  readonly #by: Map<VerificationMethod, RangeSet> = new Map();

  /** The set itself: it changes when pieces are added or removed. */
  get all(): RangeSet {
    return this.#all;
  }

  has(range: Range): boolean {
    return this.#all.has(range);
  }

  /** Empty where nothing was verified by the method. */
  by(method: VerificationMethod): RangeSet {
    return this.#by.get(method) ?? new RangeSet();
  }

  /** A range that was verified by another method before counts as verified by this one. */
  add(range: Range, method: VerificationMethod): void {
    this.remove(range);
    this.#all.add(range);
    let ranges = this.#by.get(method);
    if (ranges === undefined) {
      ranges = new RangeSet();
      this.#by.set(method, ranges);
    }
    ranges.add(range);
  }

  remove(range: Range): void {
    for (const set of [this.#all, ...this.#by.values()]) set.remove(range);
  }
}
