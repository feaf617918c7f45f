/** Reads a small local file as a whole. */
import { type BigIntStats, constants } from 'node:fs';
import { CopyError } from '../../errors.ts';
import { directoryName } from '../../util/byte-path.ts';
import { cleanText } from '../../util/clean-text.ts';
import { callsIn, type FileCalls } from './file-calls.ts';
import { checkSame, identityOf, sourceError } from './local-source.ts';

// Without O_NONBLOCK, opening a FIFO that has no writer would wait forever.
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

export interface SmallSource {
  readonly bytes: Buffer;
  /** Permission bits. */
  readonly mode: number;
  readonly mtimeMs: number;
  /** @throws {CopyError} `source-changed`: it is not what it was when it was read */
  checkUnchanged(): Promise<void>;
}

/**
 * Undefined: it has more than `maxLength` bytes, or does not end where its size says.
 * @throws {CopyError} of the source: it cannot be read, or is no regular file
 */
export async function readSmallSource(path: Buffer, maxLength: number): Promise<SmallSource | undefined> {
  const name = cleanText(path);
  const directory = directoryName(path);
  try {
    const calls = await callsIn(directory);
    const fd = await calls.open(path, FLAGS);
    try {
      const stats = await calls.fstat(fd);
      if (!stats.isFile()) throw new CopyError('source-unsupported', `${name} is not a regular file.`);
      const bytes = stats.size <= maxLength ? await readWhole(calls, fd, Number(stats.size)) : undefined;
      return bytes && { ...smallSource(path, directory, name, stats), bytes };
    } finally {
      await calls.close(fd);
    }
  } catch (error) {
    throw sourceError(error, name);
  }
}

function smallSource(path: Buffer, directory: Buffer, name: string, stats: BigIntStats): Omit<SmallSource, 'bytes'> {
  const identity = identityOf(stats);
  return {
    mode: Number(stats.mode) & 0o7777,
    mtimeMs: Number(stats.mtimeNs / 1_000_000n),
    checkUnchanged: async () => {
      const calls = await callsIn(directory);
      const now = await calls.stat(path).catch((error: unknown) => {
        const failure = sourceError(error, name);
        if (failure.code !== 'source-missing') throw failure;
        throw new CopyError('source-changed', `${name} was moved away while it was copied.`, { cause: error });
      });
      checkSame(identityOf(now), identity, name);
    },
  };
}

/** Undefined: it has another number of bytes than its size says. */
async function readWhole(calls: FileCalls, fd: number, size: number): Promise<Buffer | undefined> {
  // One byte more shows where it ends.
  const buffer = Buffer.allocUnsafe(size + 1);
  let length = 0;
  while (length <= size) {
    const bytesRead = await calls.read(fd, buffer, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length === size ? buffer.subarray(0, size) : undefined;
}
