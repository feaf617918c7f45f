/** The digest of a run of bytes of a file. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Algorithm } from './framing.ts';

const BLOCK = 1 << 20;

export type FailedAt = 'open' | 'stat' | 'read';

export class HashError extends Error {
  readonly at: FailedAt;
  /** Of the system, such as `ENOENT`. */
  readonly code: string;

  constructor(at: FailedAt, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.at = at;
    const { code } = cause as NodeJS.ErrnoException;
    this.code = typeof code === 'string' ? code : 'EIO';
  }
}

export interface Hashed {
  /** Hexadecimal, lower case. */
  readonly digest: string;
  /** How many were hashed: fewer than asked for where the file ends before. */
  readonly bytes: number;
  /** The size of the file when it was opened. */
  readonly size: number;
}

/**
 * Follows links; anything but a file is refused, and opening a pipe does not wait for a writer.
 * @param length in bytes; `Infinity`: to the end
 * @throws HashError
 */
export async function hashRange(
  path: string | Uint8Array,
  algorithm: Algorithm,
  offset: number,
  length: number,
): Promise<Hashed> {
  const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);
  const file = await at('open', open(typeof path === 'string' ? path : Buffer.from(path), flags));
  try {
    const stats = await at('stat', file.stat());
    if (!stats.isFile()) {
      throw new HashError('stat', Object.assign(new Error('It is not a regular file.'), { code: 'EINVAL' }));
    }
    return { ...(await at('read', hashOf(file, algorithm, offset, length))), size: stats.size };
  } finally {
    await file.close();
  }
}

/** One block is read while the one before is hashed. */
async function hashOf(
  file: FileHandle,
  algorithm: Algorithm,
  offset: number,
  length: number,
): Promise<Pick<Hashed, 'digest' | 'bytes'>> {
  const hash = createHash(algorithm);
  const blocks = [Buffer.allocUnsafe(Math.min(BLOCK, length)), Buffer.allocUnsafe(Math.min(BLOCK, length))] as const;
  let bytes = 0;
  const next = (turn: number): Promise<Buffer> => readBlock(file, blocks[turn % 2]!, offset + bytes, length - bytes);
  let reading = next(0);
  for (let turn = 1; ; turn++) {
    const block = await reading;
    if (block.length === 0) return { digest: hash.digest('hex'), bytes };
    bytes += block.length;
    reading = next(turn);
    // Hashing may fail no less than reading: then nobody waits for what is read.
    reading.catch(() => {});
    hash.update(block);
  }
}

async function readBlock(file: FileHandle, block: Buffer, offset: number, left: number): Promise<Buffer> {
  const wanted = Math.min(block.length, left);
  if (wanted === 0) return block.subarray(0, 0);
  const { bytesRead } = await file.read(block, 0, wanted, offset);
  return block.subarray(0, bytesRead);
}

async function at<T>(step: FailedAt, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof HashError ? error : new HashError(step, error);
  }
}
