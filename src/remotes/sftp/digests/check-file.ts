/** Digests by the extension check-file, in-band: the server answers nothing else on this connection while it hashes. */
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
import { type Habit, habitOf, type Question, SMALL_FILE, tellingBlock, toQuestion } from './check-file-habit.ts';
import { probeCheckFile } from './check-file-probe.ts';
import { type Run, toRuns } from './check-file-runs.ts';
import type { DigestConnection, PathDigester } from './path-digester.ts';

/** Far below what proftpd counts in 32 bits; more than a piece of any file of up to 16 TiB. */
const MAX_RANGE_LENGTH = 2 ** 30;
/** Bytes that the server has to hash before it looks at anything else that was asked of it on this connection. */
const MAX_ASKED = 256 * 1024 * 1024;
const MAX_REQUESTS = 8;

/** @throws {CopyError} `unsupported`, or scope `connection` */
export async function openCheckFile({ session }: DigestConnection): Promise<PathDigester> {
  await probeCheckFile(session);
  return new CheckFile(session);
}

class CheckFile implements PathDigester {
  readonly method = 'check-file';
  /** All that may be there: nothing tells before it is asked for. */
  readonly algorithms: readonly DigestAlgorithm[] = ALGORITHMS;
  readonly maxRangeLength: number = MAX_RANGE_LENGTH;
  readonly #session: SftpSession;
  readonly #gate: ByteGate = new ByteGate(MAX_ASKED, MAX_REQUESTS);
  /** To reject the calls that are under way. */
  readonly #underWay: Set<(reason: CopyError) => void> = new Set();
  #habit: Promise<Habit> | undefined;
  #closed: CopyError | undefined;

  constructor(session: SftpSession) {
    this.#session = session;
  }

  /**
   * Undefined too: a range whose length is no power of two in the middle of a longer file, as proftpd hashes beyond its
   * end; best cut the file to its size before.
   */
  digests(
    path: Uint8Array,
    ranges: readonly Range[],
    algorithm: DigestAlgorithm,
  ): Promise<readonly (Uint8Array | undefined)[]> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      this.#underWay.add(reject);
      const answered = this.#digests(path, ranges, algorithm);
      answered.then(resolve, (error) => reject(CopyError.from(error))).finally(() => this.#underWay.delete(reject));
    });
  }

  async close(): Promise<void> {
    this.#closed ??= new CopyError('unsupported', 'check-file was given up.');
    for (const reject of this.#underWay) reject(this.#closed);
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
          // That of nothing is what proftpd has beyond the end of a file, and 1.3.7 for all that is not asked in blocks.
          if (digest === undefined || ofNothing.equals(digest)) doubtful.push(ranges[run.index + i]!);
          // A copy, so that a few bytes do not hold a reply of megabytes.
          else digests[run.index + i] = Buffer.from(digest);
        }
      },
    );
    if (doubtful.length > 0) await this.#expectGone(path, doubtful);
    return digests;
  }

  /** As many at a time as the gate lets in; after the first failure none is sent any more, and those sent are awaited. */
  async #askAll(
    path: Uint8Array,
    algorithm: DigestAlgorithm,
    questions: readonly Question[],
    answered: (run: Run, reply: CheckFileReply) => void,
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
      const answer = this.#ask(path, algorithm, { ...run, length }, cost).then((reply) => answered(run, reply));
      const settled = answer.catch((error: unknown) => {
        failure ??= CopyError.from(error);
      });
      asked.push(settled.finally(() => this.#gate.leave(cost)));
    }
    await Promise.all(asked);
    if (failure !== undefined) throw failure;
  }

  #habitBy(path: Uint8Array, size: number, algorithm: DigestAlgorithm): Promise<Habit> {
    // Whatever a server does beyond what it is asked for, it is little here.
    if (size <= SMALL_FILE) return Promise.resolve('more');
    this.#habit ??= this.#learnHabit(path, size, algorithm).catch((error: unknown) => {
      this.#habit = undefined;
      throw error;
    });
    return this.#habit;
  }

  async #learnHabit(path: Uint8Array, size: number, algorithm: DigestAlgorithm): Promise<Habit> {
    const block = tellingBlock(size);
    const run = { ...block, blockSize: block.length, count: 1 };
    const { count } = await this.#ask(path, algorithm, run, 2 * block.length);
    return habitOf(count, block, this.#session.extensions);
  }

  /** @param cost bytes that the server will hash */
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
      // It is whole as a packet: the connection is none the worse for it.
      throw useless(path, 'what is no list of digests', error);
    }
    if (reply.algorithm !== algorithm) throw useless(path, `${reply.algorithm} where ${algorithm} was asked for`);
    return reply;
  }

  async #sizeOf(path: Uint8Array): Promise<number> {
    const size = (await told(this.#session.stat(path), path))?.size;
    if (size !== undefined) return size;
    throw new CopyError('unsupported', `The server tells no size of ${cleanText(path)}, or does not see it.`);
  }

  /** Where the server has nothing for `ranges`, it must be that the file was cut meanwhile. */
  async #expectGone(path: Uint8Array, ranges: readonly Range[]): Promise<void> {
    const size = await this.#sizeOf(path);
    if (ranges.some(({ offset, length }) => offset + length <= size)) {
      throw useless(path, 'no digests, or those of nothing, for bytes that are there');
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
