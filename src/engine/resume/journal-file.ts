/**
 * The file of a journal. It is appended to, or replaced as a whole. Its methods reject with the errors of the file
 * system.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectories } from '../../util/make-directories.ts';
import { syncDirectory } from '../../util/sync-directory.ts';
import { systemErrorCode } from '../../util/system-error.ts';
import type { FoundFile } from './read-journal.ts';

const BATCH_LENGTH = 64 * 1024;
const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;

export class JournalFile {
  readonly path: string;
  #found: FoundFile | undefined;
  #handle: FileHandle | undefined;
  #size = 0;

  /** `found`: the file that was read at `path`; lines are appended to it. */
  constructor(path: string, found?: FoundFile) {
    this.path = path;
    this.#found = found;
    this.#size = found?.size ?? 0;
  }

  /** Bytes in the file, as far as we know. */
  get size(): number {
    return this.#size;
  }

  /**
   * Appends whole lines and syncs them. Returns false, and does nothing, where our file is not at its path any more.
   */
  async append(lines: string): Promise<boolean> {
    if (this.#found === undefined || !(await this.#isThere(this.#found))) return false;
    this.#handle ??= await open(this.path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK);
    const { dev, ino, size } = await this.#handle.stat({ bigint: true });
    if (dev !== this.#found.device || ino !== this.#found.inode) return false;
    // What follows a torn line must not become part of it.
    const isKnownEnd = Number(size) === this.#found.size && this.#found.endsLine;
    const bytes = Buffer.from(isKnownEnd ? lines : `\n${lines}`);
    await this.#handle.appendFile(bytes);
    await this.#handle.datasync();
    this.#size = Number(size) + bytes.length;
    this.#found = { ...this.#found, size: this.#size, endsLine: true };
    return true;
  }

  /**
   * Puts a new file with these lines, of mode 0600, in the place of whatever is at the path; a link is not followed.
   * The file is synced before it is renamed, so that either the old or the new file is complete at the path at any
   * time.
   */
  async replace(lines: Iterable<string>): Promise<void> {
    await makeDirectories(dirname(this.path), 0o700);
    const temporary = `${this.path}.${randomBytes(6).toString('hex')}.tmp`;
    const handle = await open(temporary, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      for (const batch of batches(lines)) await handle.appendFile(batch);
      await handle.sync();
      const { dev: device, ino: inode, size } = await handle.stat({ bigint: true });
      await this.close();
      await moveTo(temporary, this.path);
      this.#found = { device, inode, size: Number(size), endsLine: true };
      this.#size = this.#found.size;
      this.#handle = handle;
    } catch (error) {
      await handle.close().catch(() => {});
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
    // Without this, a power loss may undo the rename.
    await syncDirectory(dirname(this.path));
  }

  /** Closes and removes the file, if there is one. */
  async remove(): Promise<void> {
    await this.close().catch(() => {});
    this.#found = undefined;
    await unlink(this.path).catch((error: unknown) => {
      if (!['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) throw error;
    });
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #isThere({ device, inode }: FoundFile): Promise<boolean> {
    const stats = await lstat(this.path, { bigint: true }).catch(() => undefined);
    return stats?.isFile() === true && stats.dev === device && stats.ino === inode;
  }
}

function* batches(lines: Iterable<string>): Generator<string> {
  let batch = '';
  for (const line of lines) {
    batch += line;
    if (batch.length < BATCH_LENGTH) continue;
    yield batch;
    batch = '';
  }
  if (batch !== '') yield batch;
}

async function moveTo(temporary: string, path: string): Promise<void> {
  try {
    await rename(temporary, path);
  } catch (error) {
    const stats = await lstat(path).catch(() => undefined);
    if (stats?.isDirectory() !== true) throw error;
    // Only an empty directory can be removed.
    await rmdir(path);
    await rename(temporary, path);
  }
}
