/** Digests of bytes that are read back from the server: the most certain verification, and the slowest one. */
import { createHash, type Hash } from 'node:crypto';
import { CopyError } from '../../errors.ts';
import type { DigestAlgorithm, Drain, Range, Slices, Staged } from '../../remotes/remote.ts';

/** {@link digestBack} for a given staged file. */
export type DigestBack = (ranges: readonly Range[], algorithm: DigestAlgorithm) => Promise<readonly Uint8Array[]>;

/** Bytes that may arrive before an earlier byte does. No pipeline has more of them in flight. */
const MAX_AHEAD = 64 * 1024 * 1024;

/**
 * Computes the digest of each of the ranges, which must ascend and not overlap.
 * @throws {CopyError} whatever `Staged.readBack` rejects with; `integrity`: the file ends early
 */
export async function digestBack(
  staged: Pick<Staged, 'readBack'>,
  ranges: readonly Range[],
  algorithm: DigestAlgorithm,
): Promise<Uint8Array[]> {
  const order = new InOrder(ranges, algorithm);
  await staged.readBack(order, order.drain);
  return order.digests;
}

/** `there`: undefined where the server has no digest. */
export function isSameDigest(here: Uint8Array, there: Uint8Array | undefined): boolean {
  return there !== undefined && Buffer.compare(here, there) === 0;
}

/**
 * Whether the digests of the server are those of the bytes that were read back, `known`. If the server does not have
 * all bytes, `known` rejects with `integrity`: then a right answer lacks a digest.
 * @throws {CopyError} whatever else `known` rejects with
 */
export async function areRight(
  there: readonly (Uint8Array | undefined)[],
  known: Promise<readonly Uint8Array[]>,
): Promise<boolean> {
  try {
    return (await known).every((digest, index) => isSameDigest(digest, there[index]));
  } catch (error) {
    if (CopyError.from(error).code !== 'integrity') throw error;
    return there.includes(undefined);
  }
}

/** Hashes slices that arrive in any order. */
class InOrder implements Slices {
  readonly digests: Uint8Array[] = [];
  readonly #ranges: readonly Range[];
  readonly #algorithm: DigestAlgorithm;
  readonly #early: Map<number, Buffer> = new Map();
  #aheadBytes = 0;
  /** Where the next slice is taken from. */
  #taking = { range: 0, offset: 0 };
  /** Where the next byte to be hashed is. */
  #hashing = { range: 0, offset: 0 };
  #hash: Hash;

  constructor(ranges: readonly Range[], algorithm: DigestAlgorithm) {
    this.#ranges = ranges.filter(({ length }) => length > 0);
    this.#algorithm = algorithm;
    this.#hash = createHash(algorithm);
    const offset = this.#ranges[0]?.offset ?? 0;
    this.#taking = { range: 0, offset };
    this.#hashing = { range: 0, offset };
  }

  take(maxLength: number): Range | undefined {
    if (this.#aheadBytes <= MAX_AHEAD) return this.#next(maxLength);
    throw new CopyError('connection-stalled', 'The server does not send what it was asked for first.');
  }

  readonly drain: Drain = async (views, offset) => {
    const bytes = Buffer.concat(views);
    this.#early.set(offset, bytes);
    this.#aheadBytes += bytes.length;
    this.#hashWhatFollows();
  };

  #next(maxLength: number): Range | undefined {
    const { range, offset } = this.#taking;
    const of = this.#ranges[range];
    if (of === undefined) return undefined;
    const length = Math.min(maxLength, of.offset + of.length - offset);
    this.#taking = this.#after(range, offset + length);
    return { offset, length };
  }

  #hashWhatFollows(): void {
    for (;;) {
      const { range, offset } = this.#hashing;
      const bytes = this.#early.get(offset);
      if (bytes === undefined) return;
      this.#early.delete(offset);
      this.#aheadBytes -= bytes.length;
      this.#hash.update(bytes);
      this.#hashing = this.#after(range, offset + bytes.length);
      if (this.#hashing.range === range) continue;
      this.digests.push(this.#hash.digest());
      this.#hash = createHash(this.#algorithm);
    }
  }

  /** The position `offset` in a range, or the beginning of the next range where that is the end of this one. */
  #after(range: number, offset: number): { readonly range: number; readonly offset: number } {
    const { offset: begin, length } = this.#ranges[range]!;
    if (offset < begin + length) return { range, offset };
    return { range: range + 1, offset: this.#ranges[range + 1]?.offset ?? offset };
  }
}
