/**
 * A list that is always sorted. A place is found by binary search, and the items behind it are moved. For the thousands
 * of items that a run has at most, this is faster than a tree.
 */
export class SortedList<T> {
  readonly #items: T[] = [];
  readonly #compare: (a: T, b: T) => number;

  /**
   * `compare` must not return 0 for two different items, and its results must not change while they are in the list.
   */
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

  /** Does nothing if the item is not in the list. */
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
