/** The local file system as the side that files are copied to, in the terms of the contract of a remote. */
import type { BigIntStats, Stats } from 'node:fs';
import { lstat, mkdir, realpath, stat } from 'node:fs/promises';
import type { Attributes, RemoteConnection } from '../../remotes/remote.ts';
import { cleanText } from '../../util/clean-text.ts';
import { systemErrorCode } from '../../util/system-error.ts';
import { targetError } from '../runner/target-error.ts';

export const LOCAL_TARGET_FILES: Pick<RemoteConnection, 'stat' | 'lstat' | 'realPath' | 'makeDirectory'> = {
  stat: (path) => look(stat(Buffer.from(path)), path),
  lstat: (path) => look(lstat(Buffer.from(path)), path),
  realPath: (path) =>
    realpath(Buffer.from(path), { encoding: 'buffer' }).catch((error: unknown) => {
      throw targetError(error, cleanText(path));
    }),
  makeDirectory: async (path) => {
    await mkdir(Buffer.from(path)).catch(async (error: unknown) => {
      // Another program may have made it meanwhile.
      const found = await stat(Buffer.from(path)).catch(() => undefined);
      if (found?.isDirectory() !== true) throw targetError(error, cleanText(path));
    });
  },
};

export function attributesOf(stats: Stats | BigIntStats): Attributes {
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'link' : 'other';
  const [size, mode] = [Number(stats.size), Number(stats.mode) & 0o7777];
  return { kind, size, mode, mtimeMs: Number(stats.mtimeMs), atimeMs: Number(stats.atimeMs) };
}

async function look(looking: Promise<Stats>, path: Uint8Array): Promise<Attributes | undefined> {
  try {
    return attributesOf(await looking);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) return undefined;
    throw targetError(error, cleanText(path));
  }
}
