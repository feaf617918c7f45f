/** The fields of a key, one after another (RFC 4251, section 5: `string` and `mpint`). */
export class KeyFields {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** @throws {Error} when the field goes beyond the end */
  bytes(): Buffer {
    const begin = this.#offset + 4;
    const end = begin > this.#bytes.length ? Number.NaN : begin + this.#bytes.readUInt32BE(this.#offset);
    if (!(end <= this.#bytes.length)) throw new Error('the key is damaged');
    this.#offset = end;
    return this.#bytes.subarray(begin, end);
  }

  text(): string {
    return this.bytes().toString('latin1');
  }

  /** A number that is not negative. */
  number(): bigint {
    return BigInt(`0x0${this.bytes().toString('hex')}`);
  }

  skip(bytes: number): void {
    this.#offset += bytes;
  }
}
