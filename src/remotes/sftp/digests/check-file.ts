/** Digests by the extension check-file. While the server hashes, it answers nothing else on this connection. */
import { createHash } from 'node:crypto';
import { CopyError } from '../../../errors.ts';
import { ALGORITHMS } from '../../../helper/framing.ts';
import { cleanText } from '../../../util/clean-text.ts';
import type { DigestAlgorithm, Range } from '../../remote.ts';
import { type CheckFileReply, encodeCheckFile, parseCheckFileReply } from '../codec/check-file.ts';
import { ExtensionName, StatusCode } from '../codec/constants.ts';
import { SftpStatusError } from '../codec/status-error.ts';
import type { SftpSession } from '../session.ts';
import { ByteGate } from './byte-gate.ts';
import { type Habit, habitOf, probeBlock, type Question, SMALL_FILE, toQuestion } from './check-file-habit.ts';
import { probeCheckFile } from './check-file-probe.ts';
import { type Run, toRuns } from './check-file-runs.ts';
import type { DigestConnection, PathDigester } from './path-digester.ts';

/** Far below the limit of the 32-bit counters of proftpd, and no less than a piece of any file of up to 16 TiB. */
const MAX_RANGE_LENGTH = 2 ** 30;
/**
 * The most bytes that the server is asked to hash at a time, because all other requests on this connection wait for
 * them.
 */
const MAX_ASKED = 256 * 1024 * 1024;
const MAX_REQUESTS = 8;

/**
 * @throws {CopyError} `unsupported`: when the server does not support check-file; scope `connection`: when the
 *   connection is lost
 */
export async function openCheckFile({ session }: DigestConnection): Promise<PathDigester> {
  await probeCheckFile(session);
  return new CheckFile(session);
}

/**
 * The provider `check-file`. Sends at most 8 requests at a time, for at most 256 MiB together. How the server
 * interprets a range is learned from the first file that is not small. An answer that cannot be right fails the call
 * with `unsupported`; the connection itself stays usable.
 */
class CheckFile implements PathDigester {
  readonly method = 'check-file';
  /** All algorithms, because the server tells only on request which ones it supports. */
  readonly algorithms: readonly DigestAlgorithm[] = ALGORITHMS;
  readonly maxRangeLength: number = MAX_RANGE_LENGTH;
  readonly #session: SftpSession;
  readonly #gate: ByteGate = new ByteGate(MAX_ASKED, MAX_REQUESTS);
  /** Functions that reject the calls in progress. */
  readonly #rejections: Set<(reason: CopyError) => void> = new Set();
  #habit: Promise<Habit> | undefined;
  #closed: CopyError | undefined;

  constructor(session: SftpSession) {
    this.#session = session;
  }

  /**
   * See {@link PathDigester.digests}. The digest is undefined also for a range whose length is not a power of two
   * unless it ends the file, because proftpd hashes beyond its end: cut the file to its final size before.
   */
  digests(
    path: Uint8Array,
    ranges: readonly Range[],
    algorithm: DigestAlgorithm,
  ): Promise<readonly (Uint8Array | undefined)[]> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      this.#rejections.add(reject);
      const digests = this.#digests(path, ranges, algorithm);
      digests.then(resolve, (error) => reject(CopyError.from(error))).finally(() => this.#rejections.delete(reject));
    });
  }

  async close(): Promise<void> {
    this.#closed ??= new CopyError('unsupported', 'check-file was given up.');
    for (const reject of this.#rejections) reject(this.#closed);
  }

  async #digests(
    path: Uint8Array,
    ranges: readonly Range[],
    algorithm: DigestAlgorithm,
  ): Promise<(Uint8Array | undefined)[]> {
    if (ranges.some(({ length }) => length > MAX_RANGE_LENGTH)) {
      throw new CopyError('bug', `check-file was asked for the digest of more than ${MAX_RANGE_LENGTH} bytes.`);
    }
    const size = await this.#sizeOf(path);
    const ofNothing = createHash(algorithm).digest();
    const digests = ranges.map(({ offset, length }) => (length === 0 && offset <= size ? ofNothing : undefined));
    const runs = toRuns(ranges, size, MAX_ASKED);
    if (runs.length === 0) return digests;
    const habit = await this.#habitBy(path, size, algorithm);
    const doubtful: Range[] = [];
    await this.#askAll(
      path,
      algorithm,
      runs.map((run) => toQuestion(run, size, habit)),
      (run, reply) => {
        for (let i = 0; i < run.count; i++) {
          const digest = reply.digests[i];
          // proftpd sends the digest of no bytes for what lies beyond the end of a file, and proftpd 1.3.7 for
          // everything that is not asked for in blocks.
          if (digest === undefined || ofNothing.equals(digest)) doubtful.push(ranges[run.index + i]!);
          // A copy, so that these few bytes do not keep a reply of megabytes in memory.
          else digests[run.index + i] = Buffer.from(digest);
        }
      },
    );
    if (doubtful.length > 0) await this.#expectGone(path, doubtful);
    return digests;
  }

  /**
   * Sends the requests, as many at a time as the gate allows. After the first failure no more are sent; it rejects with
   * that failure when all that were sent are answered.
   */
  async #askAll(
    path: Uint8Array,
    algorithm: DigestAlgorithm,
    questions: readonly Question[],
    onReply: (run: Run, reply: CheckFileReply) => void,
  ): Promise<void> {
    let failure: CopyError | undefined;
    const asked: Promise<void>[] = [];
    for (const { run, length, cost } of questions) {
      await this.#gate.enter(cost);
      failure ??= this.#closed;
      if (failure !== undefined) {
        this.#gate.leave(cost);
        break;
      }
      const answer = this.#ask(path, algorithm, { ...run, length }, cost).then((reply) => onReply(run, reply));
      const settled = answer.catch((error: unknown) => {
        failure ??= CopyError.from(error);
      });
      asked.push(settled.finally(() => this.#gate.leave(cost)));
    }
    await Promise.all(asked);
    if (failure !== undefined) throw failure;
  }

  #habitBy(path: Uint8Array, size: number, algorithm: DigestAlgorithm): Promise<Habit> {
    // In a small file, a server cannot hash much more than it is asked for.
    if (size <= SMALL_FILE) return Promise.resolve('more');
    this.#habit ??= this.#learnHabit(path, size, algorithm).catch((error: unknown) => {
      this.#habit = undefined;
      throw error;
    });
    return this.#habit;
  }

  async #learnHabit(path: Uint8Array, size: number, algorithm: DigestAlgorithm): Promise<Habit> {
    const block = probeBlock(size);
    const run = { ...block, blockSize: block.length, count: 1 };
    const { count } = await this.#ask(path, algorithm, run, 2 * block.length);
    return habitOf(count, block, this.#session.extensions);
  }

  /** @param cost how many bytes the server will hash */
  async #ask(
    path: Uint8Array,
    algorithm: DigestAlgorithm,
    { offset, length, blockSize, count }: Omit<Run, 'index'>,
    cost: number,
  ): Promise<CheckFileReply> {
    const question = encodeCheckFile({ file: path, algorithms: [algorithm], offset, length, blockSize });
    const payload = await told(this.#session.extended(ExtensionName.checkFileName, question, cost), path);
    if (payload === undefined) throw useless(path, 'a bare OK');
    let reply: CheckFileReply;
    try {
      reply = parseCheckFileReply(payload, count);
    } catch (error) {
      // Only the payload is malformed, not the packet, so that the connection stays usable.
      throw useless(path, 'something that is not a list of digests', error);
    }
    if (reply.algorithm !== algorithm) throw useless(path, `${reply.algorithm} where ${algorithm} was asked for`);
    return reply;
  }

  async #sizeOf(path: Uint8Array): Promise<number> {
    const size = (await told(this.#session.stat(path), path))?.size;
    if (size !== undefined) return size;
    throw new CopyError('unsupported', `The server does not tell the size of ${cleanText(path)}, or does not see it.`);
  }

  /** Fails unless the file was cut meanwhile, which explains that the server has no digests for `ranges`. */
  async #expectGone(path: Uint8Array, ranges: readonly Range[]): Promise<void> {
    const size = await this.#sizeOf(path);
    if (ranges.some(({ offset, length }) => offset + length <= size)) {
      throw useless(path, 'no digests, or those of no bytes, for bytes that exist');
    }
  }
}

async function told<T>(answer: Promise<T>, path: Uint8Array): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof SftpStatusError)) throw error;
    const { status, text } = error;
    const isLost = status === StatusCode.noConnection || status === StatusCode.connectionLost;
    const message = `The server refused to digest ${cleanText(path)}: ${text || `status ${status}`}.`;
    throw new CopyError(isLost ? 'connection-lost' : 'unsupported', message, { cause: error });
  }
}

function useless(path: Uint8Array, what: string, cause?: unknown): CopyError {
  return new CopyError('unsupported', `The server answered check-file of ${cleanText(path)} with ${what}.`, { cause });
}
