/** The highest of the values of a recent period. */
export class SlidingHighest {
  readonly #memoryMs: number;
  /** Highest first, and each later than the one before: a value is removed when a later one is as high. */
  #entries: { readonly value: number; readonly atMs: number }[] = [];

  constructor(memoryMs: number) {
    this.#memoryMs = memoryMs;
  }

  /** The highest value; 0 where there is none. */
  get value(): number {
    return this.#entries[0]?.value ?? 0;
  }

  add(value: number, atMs: number): void {
    while (this.#entries.length > 0 && this.#entries.at(-1)!.value <= value) this.#entries.pop();
    this.#entries.push({ value, atMs });
    this.expire(atMs);
  }

  expire(nowMs: number): void {
    while (this.#entries.length > 0 && this.#entries[0]!.atMs < nowMs - this.#memoryMs) this.#entries.shift();
  }

  /** Discards all other values. */
  replace(value: number, atMs: number): void {
    this.#entries = [{ value, atMs }];
  }
}
