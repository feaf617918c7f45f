/**
 * Splits bytes that come in chunks into lines. It keeps at most `maxLength` bytes of a line whose end has not come yet.
 * This file is also part of mt-copy-tools-cs, and imports nothing.
 */

const NEWLINE = 0x0a;

export class LineSplitter {
  readonly #maxLength: number;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** Whether the last line has no end so far. */
  get isWithinLine(): boolean {
    return this.#length > 0;
  }

  /**
   * Returns the lines that end in `chunk`, without their line ends; undefined stands for a line of more than
   * `maxLength` bytes. Lines may share memory with `chunk`; what is kept for later does not.
   */
  push(chunk: Buffer): (Buffer | undefined)[] {
    const lines: (Buffer | undefined)[] = [];
    let offset = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, offset)) {
      lines.push(this.#join(chunk.subarray(offset, end)));
      offset = end + 1;
    }
    this.#hold(chunk.subarray(offset));
    return lines;
  }

  /** The bytes after the last line end; undefined: there are none, or more than `maxLength`. */
  rest(): Buffer | undefined {
    return this.#length > 0 ? this.#join(Buffer.alloc(0)) : undefined;
  }

  #join(last: Buffer): Buffer | undefined {
    const isTooLong = this.#length + last.length > this.#maxLength;
    const line = isTooLong ? undefined : this.#parts.length === 0 ? last : Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    this.#length = 0;
    return line;
  }

  #hold(part: Buffer): void {
    this.#length += part.length;
    if (this.#length > this.#maxLength) this.#parts = [];
    else if (part.length > 0) this.#parts.push(Buffer.from(part));
  }
}
