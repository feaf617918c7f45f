/** Lets in what fits, in the order in which it came; what is too big for the gate goes alone. */
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

  /** Resolves when it may go; must leave again. */
  enter(bytes: number): Promise<void> {
    return new Promise((enter) => {
      this.#waiting.push({ bytes, enter });
      this.#letIn();
    });
  }

  leave(bytes: number): void {
    this.#bytes -= bytes;
    this.#count--;
    this.#letIn();
  }

  #letIn(): void {
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
