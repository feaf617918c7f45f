/** How ranges become requests: neighbours of one length go together, as blocks. */
import type { Range } from '../../remote.ts';

/** One request: ranges beside each other, each a block; the last may be shorter where the file ends. */
export interface Run extends Range {
  /** Where its first range is in the list. */
  readonly index: number;
  /** Ranges. */
  readonly count: number;
  /** Bytes. */
  readonly blockSize: number;
}

/** The least that the draft allows. */
const MIN_BLOCK_SIZE = 256;
/** Ranges of one request: twice as many digests (see `toQuestion`) of 64 bytes are half of what the session takes. */
const MAX_COUNT = 32_768;

/**
 * The requests for those `ranges` that a file of `size` bytes has whole, in order.
 *
 * A range whose length is no power of two is left out unless the file ends with it: there proftpd hashes beyond the range
 * (all versions: `read_file_block` reads whole blocks up to the end of the file).
 * @param maxLength bytes of a request, unless one range alone is longer
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

/** The power of two that a range of `length` (at most 2^31) fits into. */
export function blockSizeFor(length: number): number {
  return length <= MIN_BLOCK_SIZE ? MIN_BLOCK_SIZE : 2 ** (32 - Math.clz32(length - 1));
}
