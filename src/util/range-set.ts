/** A set of bytes, kept as sorted and disjoint ranges. Ranges that touch are merged. */

interface Range {
  readonly offset: number;
  readonly length: number;
}

export class RangeSet {
  /** The runs, flat and ascending: offset, end, offset, end, ... No two runs touch. */
  readonly #bounds: number[];
  #total = 0;

  /** A copy if `ranges` is a set; the time is then proportional to its runs. */
  constructor(ranges: Iterable<Range> = []) {
    if (ranges instanceof RangeSet) {
      this.#bounds = ranges.#bounds.slice();
      this.#total = ranges.#total;
      return;
    }
    this.#bounds = [];
    for (const range of ranges) this.add(range);
  }

  /** Bytes in the set. */
  get total(): number {
    return this.#total;
  }

  get isEmpty(): boolean {
    return this.#total === 0;
  }

  /** How many runs the set has. */
  get runs(): number {
    return this.#bounds.length / 2;
  }

  /** The run with the lowest offset. */
  get first(): Range | undefined {
    return this.#run(0);
  }

  *[Symbol.iterator](): IterableIterator<Range> {
    for (let i = 0; i < this.#bounds.length; i += 2) yield this.#run(i)!;
  }

  has({ offset, length }: Range): boolean {
    const i = this.#firstEndingAfter(offset);
    return (
      length === 0 || (i < this.#bounds.length && this.#bounds[i]! <= offset && offset + length <= this.#bounds[i + 1]!)
    );
  }

  add({ offset, length }: Range): void {
    if (length <= 0) return;
    let begin = offset;
    let end = offset + length;
    // Runs that only touch are merged too, so the search is for one that ends at or after the new offset.
    const from = this.#firstEndingAfter(offset - 1);
    let to = from;
    while (to < this.#bounds.length && this.#bounds[to]! <= end) {
      begin = Math.min(begin, this.#bounds[to]!);
      end = Math.max(end, this.#bounds[to + 1]!);
      this.#total -= this.#bounds[to + 1]! - this.#bounds[to]!;
      to += 2;
    }
    this.#bounds.splice(from, to - from, begin, end);
    this.#total += end - begin;
  }

  remove({ offset, length }: Range): void {
    if (length <= 0) return;
    const end = offset + length;
    const from = this.#firstEndingAfter(offset);
    let to = from;
    const kept: number[] = [];
    while (to < this.#bounds.length && this.#bounds[to]! < end) {
      const [a, b] = [this.#bounds[to]!, this.#bounds[to + 1]!];
      this.#total -= b - a;
      if (a < offset) kept.push(a, offset);
      if (b > end) kept.push(end, b);
      to += 2;
    }
    for (let i = 0; i < kept.length; i += 2) this.#total += kept[i + 1]! - kept[i]!;
    this.#bounds.splice(from, to - from, ...kept);
  }

  /** The parts of `range` that are not in the set. */
  missingIn(range: Range): RangeSet {
    const missing = new RangeSet();
    const end = range.offset + range.length;
    let next = range.offset;
    for (let i = this.#firstEndingAfter(next); i < this.#bounds.length && this.#bounds[i]! < end; i += 2) {
      if (this.#bounds[i]! > next) missing.#append({ offset: next, length: this.#bounds[i]! - next });
      next = this.#bounds[i + 1]!;
    }
    if (next < end) missing.#append({ offset: next, length: end - next });
    return missing;
  }

  /**
   * What is in this set and not in the other one. The time is proportional to the runs of both, as for {@link within}.
   */
  without(other: RangeSet): RangeSet {
    const rest = new RangeSet();
    for (const run of this) for (const missing of other.missingIn(run)) rest.#append(missing);
    return rest;
  }

  /** What is in both sets. */
  within(other: RangeSet): RangeSet {
    return this.without(this.without(other));
  }

  /** Adds a range that follows all others. */
  #append({ offset, length }: Range): void {
    this.#bounds.push(offset, offset + length);
    this.#total += length;
  }

  #run(i: number): Range | undefined {
    const offset = this.#bounds[i];
    return offset === undefined ? undefined : { offset, length: this.#bounds[i + 1]! - offset };
  }

  /** Index in `#bounds` of the first run that ends after `position`. */
  #firstEndingAfter(position: number): number {
    let low = 0;
    let high = this.#bounds.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#bounds[middle * 2 + 1]! > position) high = middle;
      else low = middle + 1;
    }
    return low * 2;
  }
}

/** The sum of the lengths. */
export function bytesIn(ranges: readonly Pick<Range, 'length'>[]): number {
  return ranges.reduce((sum, { length }) => sum + length, 0);
}
