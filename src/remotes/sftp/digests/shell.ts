/** Digests by what every server with a shell has: python3, perl, or `dd` and a program that hashes. */
import { CopyError } from '../../../errors.ts';
import { cleanText } from '../../../util/clean-text.ts';
import type { DigestAlgorithm, Range } from '../../remote.ts';
import { FileBatches, isSmallFile } from './file-batches.ts';
import type { PathDigester } from './path-digester.ts';
import { encodeRequest, encodeWholeFiles, parseAnswer, parseGreeting, parseWholeFiles } from './shell-requests.ts';
import { type Engine, shellScript } from './shell-script.ts';
import { hashingMs, RECOGNISE_MS, type ShellConnection, ShellSession } from './shell-session.ts';

/** Bounds what the server still does when nobody waits for it any more. */
const MAX_RANGE_LENGTH = 1 << 30;
/** No system takes longer paths. */
const MAX_PATH = 16_384;
const SLASH = 0x2f;
/** How the greeting begins where programs are started for each question. */
const LOOP = 'dd ';

/**
 * `engines`: which may be used; all unless set. `recogniseMs`: how long it may take to show that there is a shell.
 * @throws {CopyError} `unsupported`, or scope `connection`
 */
export async function openShell(
  connection: ShellConnection,
  engines?: readonly Engine[],
  recogniseMs: number = RECOGNISE_MS,
): Promise<PathDigester> {
  const session = await ShellSession.start(connection, shellScript(engines), recogniseMs);
  const greeting = await session.greeting;
  if (greeting === 'none') throw session.fail('The shell on the server has nothing to compute digests with.');
  const algorithms = parseGreeting(greeting);
  if (algorithms.length === 0) {
    throw session.fail(`The shell on the server computes no right digest: ${cleanText(greeting).slice(0, 200)}.`);
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

/** Several files take the programs of a shell hardly longer than one. */
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

/** @throws {CopyError} `unsupported` */
function checkRequest(path: Uint8Array, ranges: readonly Range[]): void {
  if (path[0] !== SLASH || path.length > MAX_PATH || path.includes(0)) {
    throw new CopyError('unsupported', 'The shell on the server can have no file of that path.');
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
    // What cannot be understood once is not believed again.
    if (error instanceof CopyError && error.code === 'protocol') throw session.fail(error.message);
    throw error;
  }
}
