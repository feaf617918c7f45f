/** Groups ranges into requests: adjacent ranges of the same length become the blocks of one request. */
import type { Range } from '../../remote.ts';

/** Adjacent ranges for one request. Each is a block; the last one may be shorter where the file ends. */
export interface Run extends Range {
  /** The index of the first range in the list of all ranges. */
  readonly index: number;
  /** The number of ranges. */
  readonly count: number;
  /** In bytes. */
  readonly blockSize: number;
}

/** The smallest block that the draft allows, in bytes. */
const MIN_BLOCK_SIZE = 256;
/**
 * The most ranges of one request. A reply may have twice as many digests (see `toQuestion`), which at 64 bytes each
 * take half of the longest reply that the session accepts.
 */
const MAX_COUNT = 32_768;

/**
 * The requests for those `ranges` that lie within a file of `size` bytes, in order.
 *
 * A range whose length is not a power of two is left out unless it ends the file: for such a range, all versions of
 * proftpd hash beyond its end (`read_file_block` reads whole blocks up to the end of the file).
 * @param maxLength how many bytes the ranges of one request may have together; a single range may be longer
 */
export function toRuns(ranges: readonly Range[], size: number, maxLength: number): Run[] {
  const runs: Run[] = [];
  for (const [index, { offset, length }] of ranges.entries()) {
    const endsFile = offset + length === size;
    const blockSize = blockSizeFor(length);
    if (length === 0 || offset + length > size || (length < blockSize && !endsFile)) continue;
    const last = runs.at(-1);
    const isBlock = last?.blockSize === length || (endsFile && last !== undefined && length < last.blockSize);
    const hasRoom = last !== undefined && last.count < MAX_COUNT && last.length + length <= maxLength;
    if (isBlock && hasRoom && last.offset + last.length === offset) {
      runs[runs.length - 1] = { ...last, length: last.length + length, count: last.count + 1 };
    } else {
      runs.push({ offset, length, index, count: 1, blockSize });
    }
  }
  return runs;
}

/** The smallest power of two that is at least `length` (which is at most 2^31) and at least 256. */
export function blockSizeFor(length: number): number {
  return length <= MIN_BLOCK_SIZE ? MIN_BLOCK_SIZE : 2 ** (32 - Math.clz32(length - 1));
}
