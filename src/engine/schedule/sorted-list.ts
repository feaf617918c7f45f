/**
 * A list that is always sorted. Finding a place takes a binary search; what stands behind it is moved, which for the
 * thousands of items that a run has at most costs less than the bookkeeping of a tree.
 */
export class SortedList<T> {
  readonly #items: T[] = [];
  readonly #compare: (a: T, b: T) => number;

  /** `compare` must tell any two different items apart, and not change its mind while they are in the list. */
  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get length(): number {
    return this.#items.length;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  at(index: number): T | undefined {
    return this.#items[index];
  }

  add(item: T): void {
    this.#items.splice(this.#placeOf(item), 0, item);
  }

  /** Nothing happens where the item is not in the list. */
  remove(item: T): void {
    const place = this.#placeOf(item);
    if (this.#items[place] === item) this.#items.splice(place, 1);
  }

  /** Replaces all items. */
  reset(items: Iterable<T>): void {
    this.#items.length = 0;
    for (const item of items) this.#items.push(item);
    this.#items.sort(this.#compare);
  }

  /** Index of the first item that does not come before `item`. */
  #placeOf(item: T): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(this.#items[middle]!, item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
