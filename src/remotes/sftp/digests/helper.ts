/** Digests by `mt-copy-tools-cs`, where it is installed on the server. */

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

/** Bounds what the server still does when nobody waits for it any more. */
const MAX_RANGE_LENGTH = 1 << 30;

/** How a program of one kind is asked. */
interface Dialect {
  /** Text that ends with its only newline. */
  encode(request: HashRequest): string;
  /**
   * The digest in that line; undefined where the file does not have the whole range.
   * @throws {CopyError} `unsupported` where it could not be hashed, `protocol` if it is no answer
   */
  decode(line: string, request: HashRequest): string | undefined;
  /** Said before hanging up. */
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
      // An early end: the first program of this name complains and exits with 0, ours with 6.
      if ((code === '0' && digest === '-') || code === '6') return undefined;
      if (code !== undefined && code !== '0') throw refused(`exit code ${code}`);
      if (!isDigest(digest, algorithm)) throw new CopyError('protocol', `${PROGRAM} answered with no digest.`);
      return digest;
    },
    goodbye: '',
  },
};

/** @throws {CopyError} `unsupported`, or scope `connection` */
export async function openHelper(connection: DigestConnection): Promise<PathDigester> {
  const begun = performance.now();
  const session = await ShellSession.start(connection, { ...HELPER_SCRIPT, maxLineLength: MAX_ANSWER_LENGTH });
  const kind = await session.greeting;
  if (kind !== 'serve' && kind !== 'classic') throw session.fail(`The server has no ${PROGRAM}.`);
  if (kind === 'serve') {
    const greeting = await session.expect(Math.max(0, RECOGNISE_MS - (performance.now() - begun)));
    sound(session, () => checkGreeting(greeting));
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
  // Of a path with NUL there is no file; one that is longer than a request may be no system has.
  if (path.length === 0 || path.length > MAX_REQUEST_LENGTH / 8 || path.includes(0)) throw refused('no such path');
  const requests = ranges.map(({ offset, length }) => {
    // To the first program of this name a length of 0 means all.
    if (length > 0 && length <= MAX_RANGE_LENGTH) return { path, algorithm, offset, length };
    throw new CopyError('bug', `A range of ${length} bytes cannot be hashed by ${PROGRAM}.`);
  });
  const total = ranges.reduce((sum, { length }) => sum + length, 0);
  const encoded = requests.map((request) => Buffer.from(dialect.encode(request), 'latin1'));
  const lines = await session.ask(encoded, hashingMs(total));
  return requests.map((request, i) => {
    const digest = sound(session, () => dialect.decode(lines[i] ?? '', request));
    return digest === undefined ? undefined : Buffer.from(digest, 'hex');
  });
}

/** What cannot be understood once is not believed again. */
function sound<T>(session: ShellSession, read: () => T): T {
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
