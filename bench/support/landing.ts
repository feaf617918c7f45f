import { rmSync } from 'node:fs';
import { access, constants, mkdtemp, rm, statfs } from 'node:fs/promises';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { atExit } from '../../test/support/at-exit.ts';

const IN_MEMORY = '/dev/shm';

export async function bytesFree(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}

/** Room for the file, and as much again; the source is to stay in the page cache meanwhile. */
async function memoryHolds(bytes: number): Promise<boolean> {
  try {
    await access(IN_MEMORY, constants.W_OK);
    return (await bytesFree(IN_MEMORY)) >= 2 * bytes && freemem() >= 3 * bytes;
  } catch {
    return false;
  }
}

export interface LandingOptions {
  readonly bytes: number;
  /** `memory` unless set: where it fits, so that no disk is measured. */
  readonly landing?: 'memory' | 'disk';
}

/** A directory for what arrives. */
export async function withLanding<T>(
  { bytes, landing }: LandingOptions,
  action: (path: string, landsIn: 'memory' | 'disk') => Promise<T>,
): Promise<T> {
  const inMemory = landing !== 'disk' && (await memoryHolds(bytes));
  const path = await mkdtemp(join(inMemory ? IN_MEMORY : tmpdir(), 'mt-copy-bench-'));
  const forget = atExit(() => rmSync(path, { recursive: true, force: true }));
  try {
    return await action(path, inMemory ? 'memory' : 'disk');
  } finally {
    await rm(path, { recursive: true, force: true });
    forget();
  }
}
