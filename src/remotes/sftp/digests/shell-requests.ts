/**
 * What a shell on the server is asked, and what it answers. A request is a line, behind one that names the file where it is
 * another than before:
 *
 * ```
 * f PATH
 * r ALGORITHM OFFSET LENGTH [BLOCK-SIZE SKIP COUNT]...
 * ```
 *
 * The triples are for `dd`. The answer is `+ BYTES DIGEST`, `- REASON`, or, of the shell's own loop, `dd` and all that
 * `dd` and the hashing program said. That loop is also asked for whole files, many at once:
 *
 * ```
 * w ALGORITHM PATH...
 * ```
 *
 * The answer is `w LENGTH... - DIGEST...`, with one of each for every file that could be read, and perhaps the sum of the
 * lengths; none of either where one of them is no plain file.
 */

import { CopyError } from '../../../errors.ts';
import { isDigest } from '../../../helper/framing.ts';
import { cleanText } from '../../../util/clean-text.ts';
import type { DigestAlgorithm, Range } from '../../remote.ts';
import { escapedPath } from './escaped-path.ts';

/** What some tools say of a file that they cannot read. */
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

/** A run of blocks, as `dd` is told it. */
export interface Blocks {
  readonly size: number;
  /** Blocks before. */
  readonly skip: number;
  readonly count: number;
}

/**
 * The range as runs of blocks, each a power of two that divides the run's offset: so any `dd` gives exactly its bytes. A
 * whole cell of a grid is one run.
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

/** `path`: absolute, without NUL; named where it is another than that of the request before. */
export function encodeRequest(range: Range, algorithm: DigestAlgorithm, path?: Uint8Array): string {
  const blocks = blocksOf(range).map(({ size, skip, count }) => ` ${size} ${skip} ${count}`);
  const file = path === undefined ? '' : `f ${escapedPath(path)}\n`;
  return `${file}r ${algorithm} ${range.offset} ${range.length}${blocks.join('')}\n`;
}

/** What can be computed; with a wrong digest of no bytes it cannot. Empty where the line is no greeting. */
export function parseGreeting(line: string): DigestAlgorithm[] {
  const [, ...found] = line.split(' ');
  const known = Object.keys(OF_NOTHING) as DigestAlgorithm[];
  return known.filter((algorithm) => found.includes(`${algorithm}=${OF_NOTHING[algorithm]}`));
}

/**
 * The digest of the range, or undefined where the file does not have all of it.
 * @throws {CopyError} `unsupported` where it could not be read, `protocol` where this answers nothing
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

/** `paths`: as for {@link encodeRequest}, and without control characters. */
export function encodeWholeFiles(paths: readonly Uint8Array[], algorithm: DigestAlgorithm): string {
  return `w ${algorithm} ${paths.map(escapedPath).join(' ')}\n`;
}

/** The digest of each file that has as many bytes as it should; undefined where that is not certain. */
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

/** POSIX has `dd` say `WHOLE+PARTIAL records in`; a block that is not whole is no evidence of how long it was. */
function parseBlocks(line: string, range: Range, algorithm: DigestAlgorithm): Answer {
  const runs = blocksOf(range);
  const records = [...line.matchAll(/(?<= )(\d{1,16})\+\d{1,16} records in(?= )/g)];
  const digests = line.split(' ').filter((word) => isDigest(word, algorithm));
  const [digest] = digests;
  if (records.length === 0) throw unreadable('it cannot be opened');
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
  return new CopyError('protocol', `The shell on the server answers with no digest: ${text}.`);
}
