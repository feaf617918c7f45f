/** Digests of a stream, cell by cell, computed while it is read, since it cannot be read twice. */
import { createHash, type Hash } from 'node:crypto';
import type { DigestAlgorithm, Range } from '../../../remotes/remote.ts';

/** A power of two that every digest provider can hash at once. */
export const STREAM_CELL_LENGTH: number = 4 * 1024 * 1024;

export interface HashedCell {
  readonly range: Range;
  readonly digest: Buffer;
}

export class StreamDigests {
  readonly algorithm: DigestAlgorithm;
  readonly #cells: HashedCell[] = [];
  #hash: Hash;
  /** Where the cell begins that is being hashed. */
  #offset = 0;
  #length = 0;

  constructor(algorithm: DigestAlgorithm) {
    this.algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  /** Takes the bytes that follow. */
  update(bytes: Uint8Array): void {
    for (let rest = bytes; rest.length > 0; ) {
      const part = rest.subarray(0, STREAM_CELL_LENGTH - this.#length);
      this.#hash.update(part);
      this.#length += part.length;
      rest = rest.subarray(part.length);
      if (this.#length === STREAM_CELL_LENGTH) this.#endCell();
    }
  }

  /** Nothing follows: all cells, the last one shorter. */
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
