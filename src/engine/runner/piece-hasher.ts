/**
 * Computes the digests of whole pieces while they are read to be sent, or before what was received is written, so that
 * the file need not be read for them.
 */
import { createHash, type Hash } from 'node:crypto';
import type { DigestAlgorithm, Drain, Fill, Range } from '../../remotes/remote.ts';

/** The algorithm that pieces are hashed by, and their grid. */
export interface PieceHashing {
  readonly algorithm: DigestAlgorithm;
  /** Bytes. */
  readonly pieceSize: number;
  readonly fileSize: number;
}

export interface Hashed {
  readonly algorithm: DigestAlgorithm;
  readonly pieces: readonly HashedPiece[];
}

export interface HashedPiece {
  readonly piece: Range;
  readonly digest: Uint8Array;
}

/**
 * Returns a fill that fills as `fill` does and hashes what it has read. `onHashed` is called with the digest of each
 * piece whose bytes were all read in ascending order by consecutive calls; it is called before the call that read the
 * last of them resolves. Other pieces have no digest.
 */
export function hashingFill(fill: Fill, what: PieceHashing, onHashed: (hashed: Hashed) => void): Fill {
  const hasher = new PieceHasher(what);
  return async (views, offset) => {
    await fill(views, offset);
    const pieces = hasher.read(views, offset);
    if (pieces.length > 0) onHashed({ algorithm: what.algorithm, pieces });
  };
}

/**
 * Returns a drain that drains as `drain` does and hashes what it is given. `onHashed` is called as that of
 * {@link hashingFill}, when the last bytes of the piece are drained.
 */
export function hashingDrain(drain: Drain, what: PieceHashing, onHashed: (hashed: Hashed) => void): Drain {
  const hasher = new PieceHasher(what);
  return async (views, offset) => {
    // Before, because calls overlap and may end in another order.
    const pieces = hasher.read(views, offset);
    await drain(views, offset);
    if (pieces.length > 0) onHashed({ algorithm: what.algorithm, pieces });
  };
}

class PieceHasher {
  readonly #what: PieceHashing;
  /** The hash of the piece that `#offset` is in; undefined where its beginning was not read by this hasher. */
  #hash: Hash | undefined;
  #offset = 0;

  constructor(what: PieceHashing) {
    this.#what = what;
  }

  read(views: readonly Uint8Array[], offset: number): HashedPiece[] {
    if (offset !== this.#offset) this.#hash = undefined;
    this.#offset = offset;
    return views.flatMap((view) => [...this.#update(view)]);
  }

  *#update(view: Uint8Array): Generator<HashedPiece> {
    const { algorithm, pieceSize, fileSize } = this.#what;
    for (let rest = view; rest.length > 0; ) {
      const begin = this.#offset - (this.#offset % pieceSize);
      const end = Math.min(begin + pieceSize, fileSize);
      if (this.#offset === begin) this.#hash = createHash(algorithm);
      const part = rest.subarray(0, end - this.#offset);
      this.#hash?.update(part);
      this.#offset += part.length;
      rest = rest.subarray(part.length);
      if (this.#offset < end || this.#hash === undefined) continue;
      yield { piece: { offset: begin, length: end - begin }, digest: this.#hash.digest() };
      this.#hash = undefined;
    }
  }
}
