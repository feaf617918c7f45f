/**
 * The requests to the shell on the server, and its answers. A request is one line. Where it is for another file than
 * the request before, a line with the path precedes it:
 *
 * ```
 * f PATH
 * r ALGORITHM OFFSET LENGTH [BLOCK-SIZE SKIP COUNT]...
 * ```
 *
 * The triples are arguments for `dd`. The answer is `+ BYTES DIGEST`, `- REASON`, or, from the loop in shell language,
 * `dd` followed by all output of `dd` and of the hashing program. That loop also accepts requests for many whole files:
 *
 * ```
 * w ALGORITHM PATH...
 * ```
 *
 * The answer is `w LENGTH... - DIGEST...`, with one length and one digest for every file that could be read. The sum of
 * the lengths may follow them. There are no lengths and digests at all where one of the paths is not a plain file.
 */

import { CopyError } from '../../../errors.ts';
import { isDigest } from '../../../helper/framing.ts';
import { cleanText } from '../../../util/clean-text.ts';
import type { DigestAlgorithm, Range } from '../../remote.ts';
import { escapedPath } from './escaped-path.ts';

/** The digests of no bytes. Some tools print them for a file that they cannot read. */
const OF_NOTHING: Readonly<Record<DigestAlgorithm, string>> = {
  sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  sha512:
    'cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce' +
    '47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e',
  sha1: 'da39a3ee5e6b4b0d3255bfef95601890afd80709',
  md5: 'd41d8cd98f00b204e9800998ecf8427e',
};

const LARGEST_BLOCK = 1 << 20;
const MAX_REASON = 200;

/** Arguments for one call of `dd`. */
export interface Blocks {
  /** The size of a block, in bytes. */
  readonly size: number;
  /** How many blocks to skip. */
  readonly skip: number;
  readonly count: number;
}

/**
 * Splits the range into runs of blocks whose size is a power of two that divides the offset of the run, so that every
 * version of `dd` can read exactly these bytes. A whole cell of a grid is one run.
 */
export function blocksOf({ offset, length }: Range): Blocks[] {
  const runs: Blocks[] = [];
  for (let at = offset, left = length; left > 0; ) {
    let size = LARGEST_BLOCK;
    while (size > left || at % size !== 0) size /= 2;
    const count = size === LARGEST_BLOCK ? Math.floor(left / size) : 1;
    runs.push({ size, skip: at / size, count });
    at += size * count;
    left -= size * count;
  }
  return runs;
}

/** @param path absolute and without NUL; left out where it is that of the request before */
export function encodeRequest(range: Range, algorithm: DigestAlgorithm, path?: Uint8Array): string {
  const blocks = blocksOf(range).map(({ size, skip, count }) => ` ${size} ${skip} ${count}`);
  const file = path === undefined ? '' : `f ${escapedPath(path)}\n`;
  return `${file}r ${algorithm} ${range.offset} ${range.length}${blocks.join('')}\n`;
}

/** The algorithms whose digest of no bytes in the greeting is right. None where the line is not a greeting. */
export function parseGreeting(line: string): DigestAlgorithm[] {
  const [, ...found] = line.split(' ');
  const known = Object.keys(OF_NOTHING) as DigestAlgorithm[];
  return known.filter((algorithm) => found.includes(`${algorithm}=${OF_NOTHING[algorithm]}`));
}

/**
 * The digest of the range; undefined where the file does not have all its bytes.
 * @throws {CopyError} `unsupported`: when the file could not be read; `protocol`: when the line is not an answer
 */
export function parseAnswer(line: string, range: Range, algorithm: DigestAlgorithm): Uint8Array | undefined {
  if (line.startsWith('- ')) throw unreadable(line.slice(2));
  const answer = line.startsWith('dd ') ? parseBlocks(line, range, algorithm) : parseCounted(line);
  const { bytes, digest } = answer;
  if (!Number.isSafeInteger(bytes) || bytes > range.length || !isDigest(digest, algorithm)) throw malformed(line);
  if (bytes < range.length) return undefined;
  if (digest === OF_NOTHING[algorithm]) throw malformed(line);
  return Buffer.from(digest, 'hex');
}

/** @param paths absolute and without control characters */
export function encodeWholeFiles(paths: readonly Uint8Array[], algorithm: DigestAlgorithm): string {
  return `w ${algorithm} ${paths.map(escapedPath).join(' ')}\n`;
}

/** The digest of each file whose length is right; undefined where the length is another or the answer is unclear. */
export function parseWholeFiles(
  line: string,
  lengths: readonly number[],
  algorithm: DigestAlgorithm,
): (Uint8Array | undefined)[] {
  const [kind, ...words] = line.split(' ');
  const middle = words.indexOf('-');
  const found = words.slice(0, middle);
  const digests = words.slice(middle + 1);
  const isWhole = kind === 'w' && digests.length === lengths.length && found.length >= lengths.length;
  return lengths.map((length, index) => {
    const digest = digests[index]!;
    if (!isWhole || found[index] !== String(length) || !isDigest(digest, algorithm)) return undefined;
    return digest === OF_NOTHING[algorithm] ? undefined : Buffer.from(digest, 'hex');
  });
}

interface Answer {
  readonly bytes: number;
  readonly digest: string;
}

function parseCounted(line: string): Answer {
  const [, bytes, digest] = /^\+ (\d{1,16}) ([0-9a-f]+)$/.exec(line) ?? [];
  if (bytes === undefined || digest === undefined) throw malformed(line);
  return { bytes: Number(bytes), digest };
}

/**
 * POSIX requires that `dd` prints `WHOLE+PARTIAL records in`. Only whole blocks count, because the length of a partial
 * one is unknown.
 */
function parseBlocks(line: string, range: Range, algorithm: DigestAlgorithm): Answer {
  const runs = blocksOf(range);
  const records = [...line.matchAll(/(?<= )(\d{1,16})\+\d{1,16} records in(?= )/g)];
  const digests = line.split(' ').filter((word) => isDigest(word, algorithm));
  const [digest] = digests;
  if (records.length === 0) throw unreadable('dd could not open it');
  if (digest === undefined || digests.length > 1 || records.length !== runs.length) throw malformed(line);
  let bytes = 0;
  runs.forEach(({ size, count }, index) => {
    const whole = Number(records[index]?.[1]);
    if (whole > count) throw malformed(line);
    bytes += whole * size;
  });
  return { bytes, digest };
}

function unreadable(reason: string): CopyError {
  const text = cleanText(reason).slice(0, MAX_REASON);
  return new CopyError('unsupported', `The shell on the server cannot read the file: ${text}.`);
}

function malformed(line: string): CopyError {
  const text = cleanText(line).slice(0, MAX_REASON);
  return new CopyError('protocol', `The shell on the server answered without a digest: ${text}.`);
}
