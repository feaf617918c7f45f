/**
 * Limits how many operations run at a time, and how many bytes they cover together. They start in the order in which
 * they asked. An operation of more bytes than the limit runs alone.
 */
export class ByteGate {
  readonly #maxBytes: number;
  readonly #maxCount: number;
  readonly #waiting: { readonly bytes: number; readonly enter: () => void }[] = [];
  #bytes = 0;
  #count = 0;

  constructor(maxBytes: number, maxCount: number) {
    this.#maxBytes = maxBytes;
    this.#maxCount = maxCount;
  }

  /**
   * Resolves when the operation may start. The caller must call {@link leave} with the same number when it has ended.
   */
  enter(bytes: number): Promise<void> {
    return new Promise((enter) => {
      this.#waiting.push({ bytes, enter });
      this.#admit();
    });
  }

  leave(bytes: number): void {
    this.#bytes -= bytes;
    this.#count--;
    this.#admit();
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const fits = this.#count < this.#maxCount && this.#bytes + next.bytes <= this.#maxBytes;
      if (!fits && this.#count > 0) return;
      this.#waiting.shift();
      this.#bytes += next.bytes;
      this.#count++;
      next.enter();
    }
  }
}
