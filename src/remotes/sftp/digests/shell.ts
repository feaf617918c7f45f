/** Digests by programs that nearly every server with a shell has: python3, perl, or `dd` and a hashing program. */
import { CopyError } from '../../../errors.ts';
import { isAbsolute } from '../../../util/byte-path.ts';
import { cleanText } from '../../../util/clean-text.ts';
import type { DigestAlgorithm, Range } from '../../remote.ts';
import { FileBatches, isSmallFile } from './file-batches.ts';
import type { PathDigester } from './path-digester.ts';
import { encodeRequest, encodeWholeFiles, parseAnswer, parseGreeting, parseWholeFiles } from './shell-requests.ts';
import { type Engine, shellScript } from './shell-script.ts';
import { hashingMs, RECOGNISE_MS, type ShellConnection, ShellSession } from './shell-session.ts';

/** Limits how long the server continues with a range after the connection or the interest in it is gone. */
const MAX_RANGE_LENGTH = 1 << 30;
/** No system supports longer paths; in bytes. */
const MAX_PATH = 16_384;
/** The beginning of the greeting where programs are started for each request. */
const LOOP = 'dd ';

/**
 * @param engines those that may be used. Default: all
 * @param recogniseMs how long the shell may take to send its greeting
 * @throws {CopyError} `unsupported`: when the server has no shell, or no program that hashes; scope `connection`: when
 *   the connection is lost
 */
export async function openShell(
  connection: ShellConnection,
  engines?: readonly Engine[],
  recogniseMs: number = RECOGNISE_MS,
): Promise<PathDigester> {
  const session = await ShellSession.start(connection, shellScript(engines), recogniseMs);
  const greeting = await session.greeting;
  if (greeting === 'none') throw session.fail('The shell on the server has no program that computes digests.');
  const algorithms = parseGreeting(greeting);
  if (algorithms.length === 0) {
    throw session.fail(`The shell on the server computes wrong digests: ${cleanText(greeting).slice(0, 200)}.`);
  }
  const batches = greeting.startsWith(LOOP) ? batchesOver(session) : undefined;
  return {
    method: 'shell',
    algorithms,
    maxRangeLength: MAX_RANGE_LENGTH,
    async digests(path, ranges, algorithm) {
      if (!algorithms.includes(algorithm)) throw new CopyError('unsupported', `The server has no ${algorithm}.`);
      checkRequest(path, ranges);
      const [first] = ranges;
      if (batches !== undefined && first !== undefined && ranges.length === 1 && isSmallFile(path, first)) {
        return [await batches.digest({ path, length: first.length, algorithm })];
      }
      return digests(session, path, ranges, algorithm);
    },
    close: () => session.close(),
  };
}

/** Hashes several small files with one start of the programs, which takes hardly longer than one file. */
function batchesOver(session: ShellSession): FileBatches {
  return new FileBatches({
    async one({ path, length, algorithm }) {
      const [digest] = await digests(session, path, [{ offset: 0, length }], algorithm);
      return digest;
    },
    async many(files) {
      const { algorithm } = files[0]!;
      const paths = files.map(({ path }) => path);
      const lengths = files.map(({ length }) => length);
      const request = Buffer.from(encodeWholeFiles(paths, algorithm), 'latin1');
      const total = lengths.reduce((sum, length) => sum + length, 0);
      const [line] = await session.ask([request], hashingMs(total));
      return parseWholeFiles(line ?? '', lengths, algorithm);
    },
  });
}

/**
 * @throws {CopyError} `unsupported`: when the path cannot be that of a file; `bug`: when a range is empty or too long
 */
function checkRequest(path: Uint8Array, ranges: readonly Range[]): void {
  if (!isAbsolute(path) || path.length > MAX_PATH || path.includes(0)) {
    throw new CopyError('unsupported', 'The path cannot be that of a file for the shell on the server.');
  }
  const wrong = ranges.find(({ length }) => length < 1 || length > MAX_RANGE_LENGTH);
  if (wrong !== undefined) throw new CopyError('bug', `A range of ${wrong.length} bytes cannot be hashed.`);
}

async function digests(
  session: ShellSession,
  path: Uint8Array,
  ranges: readonly Range[],
  algorithm: DigestAlgorithm,
): Promise<readonly (Uint8Array | undefined)[]> {
  const requests = ranges.map((range, index) =>
    Buffer.from(encodeRequest(range, algorithm, index === 0 ? path : undefined), 'latin1'),
  );
  const total = ranges.reduce((sum, { length }) => sum + length, 0);
  const lines = await session.ask(requests, hashingMs(total));
  try {
    return ranges.map((range, index) => parseAnswer(lines[index] ?? '', range, algorithm));
  } catch (error) {
    // After an answer that cannot be understood, later answers cannot be trusted.
    if (error instanceof CopyError && error.code === 'protocol') throw session.fail(error.message);
    throw error;
  }
}
