/** The highest of the values of the last so many milliseconds. */
export class SlidingHighest {
  readonly #memoryMs: number;
  /** Highest first, each later than the one before: a value that a later one exceeds never counts again. */
  #entries: { readonly value: number; readonly atMs: number }[] = [];

  constructor(memoryMs: number) {
    this.#memoryMs = memoryMs;
  }

  /** 0 when there is none. */
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

  /** Nothing counts but this value. */
  replace(value: number, atMs: number): void {
    this.#entries = [{ value, atMs }];
  }
}
