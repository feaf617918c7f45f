/**
 * Servers interpret the combination of offset, length and block size of check-file in different ways. All known servers
 * agree that the first digests are those of the blocks from the offset on. They differ in how many blocks follow, and
 * so in how much the server hashes.
 */
import { CopyError } from '../../../errors.ts';
import type { Range } from '../../remote.ts';
import { ExtensionName } from '../codec/constants.ts';
import { blockSizeFor, type Run } from './check-file-runs.ts';

/**
 * - `exact`: the server hashes the blocks of the range, as the draft says.
 * - `adds-offset`: the server uses the sum of offset and length as the length (proftpd 1.3.8, its issue 1569), so that
 *   a single piece in the middle costs the hash of half the file. There, the offset has to be subtracted from the
 *   length.
 * - `more`: the server hashes more in some other way, such as Maverick Synergy, which continues to the end of the file.
 */
export type Habit = 'exact' | 'adds-offset' | 'more';

/** In files of up to this many bytes the differences do not matter. */
export const SMALL_FILE: number = 1024 * 1024;
/** The most digests of a reply. At 64 bytes each, they take half of the longest reply that the session accepts. */
const MAX_DIGESTS = 65_536;
/** The most bytes that a server may hash needlessly for one request. */
const MAX_WASTE = 2 ** 30;
/**
 * The most blocks that may precede the only block of a request: proftpd 1.3.8 sends one digest for each of them, too.
 */
const MAX_BLOCKS_BEFORE = 32_768;
/** 64 TiB, because a block has at most 2^31 bytes. */
const MAX_FILE = MAX_BLOCKS_BEFORE * 2 ** 31;

/**
 * The range whose digests show the habit of a server: the last but one block of a file of `size` bytes, which must be
 * more than {@link SMALL_FILE}. Servers of every habit hash at most two blocks for it.
 * @throws {CopyError} `unsupported`: when the file is larger than 64 TiB
 */
export function probeBlock(size: number): Range {
  if (size > MAX_FILE) throw new CopyError('unsupported', 'check-file is not asked about files beyond 64 TiB.');
  const blockSize = Math.max(65_536, blockSizeFor(Math.ceil(size / MAX_BLOCKS_BEFORE)));
  return { offset: (Math.ceil(size / blockSize) - 2) * blockSize, length: blockSize };
}

/**
 * The habit of a server that answered with `count` digests to the request for {@link probeBlock}.
 * @param extensions those of the server. They tell whether it is the proftpd for which the offset may be subtracted,
 *   which would be a risk with any other server: that proftpd offers home-directory, which came shortly before the
 *   error, and not check-file, which came with its correction
 */
export function habitOf(count: number, { offset, length }: Range, extensions: ReadonlyMap<string, Uint8Array>): Habit {
  if (count === 1) return 'exact';
  const isProftpd138 = extensions.has(ExtensionName.homeDirectory) && !extensions.has(ExtensionName.checkFile);
  return isProftpd138 && count === offset / length + 1 ? 'adds-offset' : 'more';
}

/** The request for the digests of a run. */
export interface Question {
  readonly run: Run;
  /** The length to send, in bytes. */
  readonly length: number;
  /** How many bytes the server will hash. */
  readonly cost: number;
}

/**
 * @param size the size of the file in bytes
 * @throws {CopyError} `unsupported`: when the server would hash far more than it is asked for
 */
export function toQuestion(run: Run, size: number, habit: Habit): Question {
  const { offset, length, blockSize, count } = run;
  if (habit === 'exact') return { run, length, cost: length };
  if (habit === 'adds-offset') {
    // A length of 0 would mean up to the end of the file.
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
