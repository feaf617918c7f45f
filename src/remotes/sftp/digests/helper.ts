/** Digests by the helper program `mt-copy-tools-cs`, where it is installed on the server. */
import { CopyError } from '../../../errors.ts';
import {
  ALGORITHMS,
  checkGreeting,
  encodeRequest,
  type HashRequest,
  isDigest,
  MAX_ANSWER_LENGTH,
  MAX_REQUEST_LENGTH,
  PROGRAM,
  parseAnswer,
  STOP,
} from '../../../helper/framing.ts';
import { cleanText } from '../../../util/clean-text.ts';
import type { DigestAlgorithm, Range } from '../../remote.ts';
import { escapedPath } from './escaped-path.ts';
import { HELPER_SCRIPT, type HelperKind } from './helper-script.ts';
import type { DigestConnection, PathDigester } from './path-digester.ts';
import { hashingMs, RECOGNISE_MS, ShellSession } from './shell-session.ts';

/** Limits how long the server continues with a range after the connection or the interest in it is gone. */
const MAX_RANGE_LENGTH = 1 << 30;

/** The requests and answers of a program of one kind. */
interface Dialect {
  /** The line of a request, with its newline. */
  encode(request: HashRequest): string;
  /**
   * The digest in the line of an answer; undefined where the file does not have the whole range.
   * @throws {CopyError} `unsupported`: when the program could not hash the range; `protocol`: when the line is not an
   *   answer
   */
  decode(line: string, request: HashRequest): string | undefined;
  /** What to send before the channel is closed. */
  readonly goodbye: string;
}

const DIALECTS: Readonly<Record<Exclude<HelperKind, 'none'>, Dialect>> = {
  serve: {
    encode: encodeRequest,
    decode(line, request) {
      const answer = parseAnswer(line, request);
      if ('error' in answer) throw refused(`${answer.error}: ${answer.message}`);
      return answer.bytes === request.length ? answer.digest : undefined;
    },
    goodbye: STOP,
  },
  classic: {
    encode: ({ algorithm, offset, length, path }) => `${algorithm} ${offset} ${length} ${escapedPath(path)}\n`,
    decode(line, { algorithm }) {
      const [, code, digest] = /^(\d{1,3}) (-|[0-9a-f]+)$/.exec(line) ?? [];
      // The file ends too early. The first program of this name exits with 0 then, ours with 6.
      if ((code === '0' && digest === '-') || code === '6') return undefined;
      if (code !== undefined && code !== '0') throw refused(`exit code ${code}`);
      if (!isDigest(digest, algorithm)) throw new CopyError('protocol', `${PROGRAM} answered with no digest.`);
      return digest;
    },
    goodbye: '',
  },
};

/**
 * @throws {CopyError} `unsupported`: when the server has no helper or no shell; scope `connection`: when the connection
 *   is lost
 */
export async function openHelper(connection: DigestConnection): Promise<PathDigester> {
  const begun = performance.now();
  const session = await ShellSession.start(connection, { ...HELPER_SCRIPT, maxLineLength: MAX_ANSWER_LENGTH });
  const kind = await session.greeting;
  if (kind !== 'serve' && kind !== 'classic') throw session.fail(`The server has no ${PROGRAM}.`);
  if (kind === 'serve') {
    const greeting = await session.expect(Math.max(0, RECOGNISE_MS - (performance.now() - begun)));
    orFail(session, () => checkGreeting(greeting));
  }
  const dialect = DIALECTS[kind];
  return {
    method: 'helper',
    algorithms: ALGORITHMS,
    maxRangeLength: MAX_RANGE_LENGTH,
    digests: (path, ranges, algorithm) => digests(session, dialect, path, ranges, algorithm),
    close: () => session.close(dialect.goodbye),
  };
}

async function digests(
  session: ShellSession,
  dialect: Dialect,
  path: Uint8Array,
  ranges: readonly Range[],
  algorithm: DigestAlgorithm,
): Promise<readonly (Uint8Array | undefined)[]> {
  // No file has a path with a NUL byte, and no system has paths that are too long for a request.
  if (path.length === 0 || path.length > MAX_REQUEST_LENGTH / 8 || path.includes(0)) throw refused('no such path');
  const requests = ranges.map(({ offset, length }) => {
    // A length of 0 must not be sent: the first program of this name would hash the whole file.
    if (length > 0 && length <= MAX_RANGE_LENGTH) return { path, algorithm, offset, length };
    throw new CopyError('bug', `A range of ${length} bytes cannot be hashed by ${PROGRAM}.`);
  });
  const total = ranges.reduce((sum, { length }) => sum + length, 0);
  const encoded = requests.map((request) => Buffer.from(dialect.encode(request), 'latin1'));
  const lines = await session.ask(encoded, hashingMs(total));
  return requests.map((request, i) => {
    const digest = orFail(session, () => dialect.decode(lines[i] ?? '', request));
    return digest === undefined ? undefined : Buffer.from(digest, 'hex');
  });
}

/** Calls `read`; ends the session when it throws `protocol`, because later answers cannot be trusted then. */
function orFail<T>(session: ShellSession, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof CopyError && error.code === 'protocol') throw session.fail(error.message);
    throw error;
  }
}

function refused(reason: string): CopyError {
  return new CopyError('unsupported', `${PROGRAM} could not hash: ${cleanText(reason)}.`);
}
