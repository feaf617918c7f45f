/** Computes the digests of a stream cell by cell while it is read, because it cannot be read twice. */
import { createHash, type Hash } from 'node:crypto';
import type { DigestAlgorithm, Range } from '../../../remotes/remote.ts';

/** The length of a cell in bytes: a power of two that every digest provider accepts as one range. */
export const STREAM_CELL_LENGTH: number = 4 * 1024 * 1024;

export interface HashedCell {
  readonly range: Range;
  readonly digest: Buffer;
}

export class StreamDigests {
  readonly algorithm: DigestAlgorithm;
  readonly #cells: HashedCell[] = [];
  #hash: Hash;
  /** The offset of the cell that is being hashed. */
  #offset = 0;
  #length = 0;

  constructor(algorithm: DigestAlgorithm) {
    this.algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  /** Adds the next bytes of the stream. */
  update(bytes: Uint8Array): void {
    for (let rest = bytes; rest.length > 0; ) {
      const part = rest.subarray(0, STREAM_CELL_LENGTH - this.#length);
      this.#hash.update(part);
      this.#length += part.length;
      rest = rest.subarray(part.length);
      if (this.#length === STREAM_CELL_LENGTH) this.#endCell();
    }
  }

  /** The stream has ended. Returns all cells; the last one may be shorter. */
  end(): readonly HashedCell[] {
    if (this.#length > 0) this.#endCell();
    return this.#cells;
  }

  #endCell(): void {
    this.#cells.push({ range: { offset: this.#offset, length: this.#length }, digest: this.#hash.digest() });
    this.#offset += this.#length;
    this.#length = 0;
    this.#hash = createHash(this.algorithm);
  }
}
