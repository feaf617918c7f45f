/** The local file system as a side of a copy of trees. */
import type { Stats } from 'node:fs';
import { chmod, lstat, mkdir, readdir, readlink, realpath, stat, symlink, unlink, utimes } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { CopyError } from '../../errors.ts';
import type { Attributes, NewAttributes } from '../../remotes/remote.ts';
import { joinPath } from '../../util/byte-path.ts';
import { cleanText } from '../../util/clean-text.ts';
import { PERMISSION_BITS } from '../../util/permission-bits.ts';
import { syncDirectory } from '../../util/sync-directory.ts';
import { systemErrorCode } from '../../util/system-error.ts';
import { targetError } from '../runner/target-error.ts';
import { EntryList } from '../tree/entry-list.ts';
import type { ListOptions, TreeSide } from '../tree/tree-side.ts';
import { callsIn, type FileCalls } from './file-calls.ts';
import { sourceError } from './local-source.ts';
import { attributesOf } from './local-target-files.ts';

/** Files that are looked at together: as many as the threads for it can keep busy with. */
const MAX_LOOKS = 32;
/** After so many files, other work has its turn. */
const TURN = 256;

export class LocalTree implements TreeSide {
  readonly isLocal = true;
  readonly #toError: (error: unknown, name: string) => CopyError;

  constructor(side: 'source' | 'target') {
    this.#toError = side === 'source' ? sourceError : targetError;
  }

  async list(path: Buffer, { budget, limit = Number.POSITIVE_INFINITY }: ListOptions): Promise<EntryList> {
    const list = new EntryList(budget);
    try {
      const names = await this.#coded(path, readdir(orHere(path), { encoding: 'buffer' }));
      if (names.length > limit) names.length = limit;
      for (let offset = 0; offset < names.length; offset += MAX_LOOKS) {
        const some = names.slice(offset, offset + MAX_LOOKS);
        // An entry that is there and cannot be looked at must not be missing without a word.
        const calls = await callsIn(orHere(path));
        const found = await this.#coded(path, Promise.all(some.map((name) => lookAt(calls, joinPath(path, name)))));
        // What was removed meanwhile is not there.
        for (const [index, stats] of found.entries()) if (stats) list.add(some[index]!, attributesOf(stats));
        // Calls on this thread do not let it do anything else.
        if (offset % TURN === 0) await setImmediate();
      }
      return list;
    } catch (error) {
      list.release();
      const failure = CopyError.from(error);
      if (failure.code !== 'too-many-entries') throw failure;
      throw new CopyError(failure.code, `${cleanText(path)} has too many entries.`);
    }
  }

  stat(path: Buffer): Promise<Attributes | undefined> {
    return this.#look(path, stat(path));
  }

  lstat(path: Buffer): Promise<Attributes | undefined> {
    return this.#look(path, lstat(path));
  }

  realPath(path: Buffer): Promise<Buffer> {
    return this.#coded(path, realpath(orHere(path), { encoding: 'buffer' }));
  }

  async makeDirectory(path: Buffer, mode: number | undefined): Promise<void> {
    try {
      await mkdir(path, mode === undefined ? {} : { mode });
    } catch (error) {
      // Another program may have made it meanwhile. A link is not followed: what it leads to was not looked at.
      const found = await lstat(path).catch(() => undefined);
      if (found?.isDirectory() !== true) throw this.#toError(error, cleanText(path));
    }
  }

  async setAttributes(path: Buffer, { mode, mtimeMs }: NewAttributes): Promise<void> {
    if (mode !== undefined) await this.#coded(path, chmod(path, mode & PERMISSION_BITS));
    if (mtimeMs !== undefined) await this.#coded(path, utimes(path, new Date(), new Date(Math.floor(mtimeMs))));
  }

  readLink(path: Buffer): Promise<Buffer> {
    return this.#coded(path, readlink(path, { encoding: 'buffer' }));
  }

  makeLink(path: Buffer, text: Buffer): Promise<void> {
    return this.#coded(path, symlink(text, path));
  }

  remove(path: Buffer): Promise<void> {
    return this.#coded(
      path,
      unlink(path).catch((error: unknown) => {
        if (systemErrorCode(error) !== 'ENOENT') throw error;
      }),
    );
  }

  syncDirectory(path: Buffer): Promise<void> {
    return this.#coded(path, syncDirectory(orHere(path)));
  }

  async #look(path: Buffer, looking: Promise<Stats>): Promise<Attributes | undefined> {
    try {
      return attributesOf(await looking);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) return undefined;
      throw this.#toError(error, cleanText(path));
    }
  }

  async #coded<T>(path: Buffer, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw this.#toError(error, cleanText(path));
    }
  }
}

function orHere(path: Buffer): Buffer {
  return path.length === 0 ? Buffer.from('.') : path;
}

/** Undefined: it is gone. */
async function lookAt(calls: FileCalls, path: Buffer): Promise<Stats | undefined> {
  try {
    return await calls.lstat(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
