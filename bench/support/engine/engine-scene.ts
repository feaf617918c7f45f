/** What the parts of the engine are measured with: 1 TiB in 16,384 pieces, over 1,024 connections. */
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { withTempDir } from '../../../test/support/temp-dir.ts';

export const TIB: number = 2 ** 40;
export const PIECE_SIZE: number = 64 * 2 ** 20;
export const PIECES: number = TIB / PIECE_SIZE;
export const CONNECTIONS = 1024;
export const SMALL_FILES = 100_000;
export const SMALL_FILE_BYTES = 4096;

const MEGABYTE = 1_000_000;

/** Bytes per second of a connection: from 1 to 20 MB/s, the same in every run. */
export function rateOf(connection: number): number {
  return MEGABYTE * (1 + ((connection * 7919) % 20));
}

/** A file of 1 TiB that takes no room. */
export function withSparseFile<T>(action: (path: string, directory: string) => Promise<T>): Promise<T> {
  return withTempDir(async ({ path: directory }) => {
    const path = join(directory, 'source');
    const file = await open(path, 'wx');
    try {
      await file.write(randomBytes(16));
      await file.truncate(TIB);
    } finally {
      await file.close();
    }
    return await action(path, directory);
  }, 'engine');
}
