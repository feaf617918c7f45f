/**
 * Servers understand offset, length and block size of check-file together in different ways. All that are in use agree in
 * that the first digests are those of the blocks from the offset on; how many come, and so what it costs, differs.
 */
import { CopyError } from '../../../errors.ts';
import type { Range } from '../../remote.ts';
import { ExtensionName } from '../codec/constants.ts';
import { blockSizeFor, type Run } from './check-file-runs.ts';

/**
 * - `exact`: the blocks of the range, as the draft has it.
 * - `adds-offset`: the sum of offset and length is taken for the length (proftpd 1.3.8, its issue 1569): a single piece
 *   far inside would cost the hash of half the file. A length that is smaller by the offset is exact there.
 * - `more`: others that give more than they are asked for, as Maverick Synergy, which goes on to the end of the file.
 */
export type Habit = 'exact' | 'adds-offset' | 'more';

/** Up to here it does not matter, bytes of a file. */
export const SMALL_FILE: number = 1024 * 1024;
/** Digests that an answer may hold: 64 bytes each make half of what the session takes. */
const MAX_DIGESTS = 65_536;
/** What a server may hash for one question without need, bytes. */
const MAX_WASTE = 2 ** 30;
/** A question about one block must not have more blocks before it: proftpd 1.3.8 answers with as many digests. */
const MAX_BLOCKS_BEFORE = 32_768;
/** As a block is at most 2^31 bytes: 64 TiB. */
const MAX_FILE = MAX_BLOCKS_BEFORE * 2 ** 31;

/**
 * The question that tells: one block right before the last one of a file of `size` bytes, more than {@link SMALL_FILE}.
 * Whatever a server makes of it, it has at most two blocks to hash.
 * @throws {CopyError} `unsupported` for a file beyond 64 TiB
 */
export function tellingBlock(size: number): Range {
  if (size > MAX_FILE) throw new CopyError('unsupported', 'check-file is not asked about files beyond 64 TiB.');
  const blockSize = Math.max(65_536, blockSizeFor(Math.ceil(size / MAX_BLOCKS_BEFORE)));
  return { offset: (Math.ceil(size / blockSize) - 2) * blockSize, length: blockSize };
}

/**
 * What `count` digests for that question say.
 * @param extensions what the server offers; proftpd has check-file among it since it adds the offset no more, and
 * home-directory since shortly before it began: with any other the smaller length would be a risk
 */
export function habitOf(count: number, { offset, length }: Range, extensions: ReadonlyMap<string, Uint8Array>): Habit {
  if (count === 1) return 'exact';
  const isProftpd138 = extensions.has(ExtensionName.homeDirectory) && !extensions.has(ExtensionName.checkFile);
  return isProftpd138 && count === offset / length + 1 ? 'adds-offset' : 'more';
}

/** How a run is asked for. */
export interface Question {
  readonly run: Run;
  /** What to send as its length, bytes. */
  readonly length: number;
  /** What the server will hash for it, bytes. */
  readonly cost: number;
}

/**
 * @param size of the file
 * @throws {CopyError} `unsupported` where the server would have too much to do
 */
export function toQuestion(run: Run, size: number, habit: Habit): Question {
  const { offset, length, blockSize, count } = run;
  if (habit === 'exact') return { run, length, cost: length };
  if (habit === 'adds-offset') {
    // A difference of 0 would mean: to the end.
    if (offset !== length) return { run, length: length - offset, cost: length };
    return { run, length, cost: Math.min(2 * length, size - offset) };
  }
  const cost = size - offset;
  const digests = Math.max(offset / blockSize + count, cost / blockSize);
  if (cost - length > MAX_WASTE || digests > MAX_DIGESTS) {
    throw new CopyError('unsupported', 'The server hashes far more than check-file asks it to.');
  }
  return { run, length, cost };
}
