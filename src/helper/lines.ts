/** Cuts bytes that come in chunks into lines, and holds no more of them than one line may be long. */

const NEWLINE = 0x0a;

export class Lines {
  readonly #maxLength: number;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** The lines that `chunk` ends, without their ends; undefined stands for one of more than `maxLength` bytes. */
  push(chunk: Buffer): (Buffer | undefined)[] {
    const lines: (Buffer | undefined)[] = [];
    let offset = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, offset)) {
      this.#hold(chunk.subarray(offset, end));
      lines.push(this.#length > this.#maxLength ? undefined : Buffer.concat(this.#parts));
      this.#parts = [];
      this.#length = 0;
      offset = end + 1;
    }
    this.#hold(chunk.subarray(offset));
    return lines;
  }

  #hold(part: Buffer): void {
    this.#length += part.length;
    if (this.#length > this.#maxLength) this.#parts = [];
    else if (part.length > 0) this.#parts.push(Buffer.from(part));
  }
}
