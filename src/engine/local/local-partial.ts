/**
 * The local file that a download writes: a partial file beside its target, or the target itself. A partial file is
 * created exclusively, for this user alone, and with a name that is never used again; it is never reached through a
 * link.
 *
 * What can go wrong: there is no room, or no permission; the file system cannot keep mode or times (a warning, because
 * the bytes are right); somebody replaces the partial file before it takes its place, or changes the target (the copy
 * fails).
 */
import { constants, type Stats } from 'node:fs';
import { access, type FileHandle, lstat, open, rename, unlink } from 'node:fs/promises';
import { CopyError } from '../../errors.ts';
import type { Attributes } from '../../remotes/remote.ts';
import { directoryName } from '../../util/byte-path.ts';
import { cleanText } from '../../util/clean-text.ts';
import { isPrivate } from '../../util/is-private.ts';
import { newPartialPath } from '../../util/partial-name.ts';
import { PERMISSION_BITS } from '../../util/permission-bits.ts';
import { syncDirectory } from '../../util/sync-directory.ts';
import { systemErrorCode, systemErrorText } from '../../util/system-error.ts';
import { targetError } from '../runner/target-error.ts';
import { freeSpaceBeside } from './local-partials.ts';
import { attributesOf, LOCAL_TARGET_FILES } from './local-target-files.ts';

const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;
const PRIVATE = 0o600;

export interface FinalState {
  /** Bytes. */
  readonly size: number;
  /** Permission bits; undefined: they stay as they are. */
  readonly mode: number | undefined;
  /** Milliseconds since 1970; undefined: it stays as it is. */
  readonly mtimeMs: number | undefined;
}

export class LocalPartial {
  readonly path: Buffer;
  /** As it was when it was opened. */
  readonly found: Attributes;
  readonly #file: FileHandle;
  readonly #identity: Pick<Stats, 'dev' | 'ino'>;
  #closing: Promise<void> | undefined;

  private constructor(path: Buffer, file: FileHandle, stats: Stats) {
    this.path = path;
    this.#file = file;
    this.#identity = stats;
    this.found = attributesOf(stats);
  }

  /**
   * Creates a partial file of `target`.
   * @throws {CopyError} of the destination: it cannot be created
   */
  static async create(target: Uint8Array): Promise<LocalPartial> {
    const path = newPartialPath(target);
    return LocalPartial.#open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, cleanText(target));
  }

  /**
   * Opens a partial file of an earlier run. Undefined where it is gone, or may not be relied on: it is no regular file
   * of this user that only this user may write, or it has another name.
   * @param isJournalled whether a run of this machine has created it. Then it may belong to others and be writable by
   *   them, because some file systems show what they like, and a run may have ended after it had set the final mode.
   */
  static async reopen(path: Uint8Array, isJournalled = false): Promise<LocalPartial | undefined> {
    let file: FileHandle;
    try {
      file = await open(Buffer.from(path), O_RDWR | O_NOFOLLOW | O_NONBLOCK);
    } catch {
      // Whatever the reason, it is of no use, and a new one is created.
      return undefined;
    }
    const stats = await file.stat();
    if (stats.isFile() && (isJournalled || isPrivate(stats)) && stats.nlink === 1) {
      return new LocalPartial(Buffer.from(path), file, stats);
    }
    await file.close();
    return undefined;
  }

  /**
   * Removes a partial file of an earlier run. Whether there was one that may be relied on.
   * @param isJournalled see {@link reopen}
   */
  static async discardEarlier(path: Uint8Array, isJournalled = false): Promise<boolean> {
    const earlier = await LocalPartial.reopen(path, isJournalled);
    await earlier?.discardAndClose();
    return earlier !== undefined;
  }

  /**
   * Opens the target itself, with what it has; it is created if it is missing. `path` must not be a symbolic link.
   * @throws {CopyError} of the destination: it cannot be opened, or is no regular file
   */
  static async inPlace(path: Uint8Array): Promise<LocalPartial> {
    return LocalPartial.#open(Buffer.from(path), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, cleanText(path));
  }

  static async #open(path: Buffer, flags: number, name: string): Promise<LocalPartial> {
    const mode = (flags & O_EXCL) === 0 ? 0o666 : PRIVATE;
    const file = await open(path, flags, mode).catch(async (error: unknown) => {
      throw await openError(error, path, name);
    });
    const stats = await file.stat();
    if (stats.isFile()) return new LocalPartial(path, file, stats);
    await file.close();
    throw new CopyError('destination-in-the-way', `${name} is not a regular file.`);
  }

  /** The descriptor, valid until {@link close}. */
  get fd(): number {
    return this.#file.fd;
  }

  async look(): Promise<Attributes> {
    return attributesOf(await this.#file.stat());
  }

  /**
   * Resolves with true when what was written survives a crash of the system.
   * @throws {CopyError} of the destination, or `local-io`: the disk did not take it
   */
  async sync(): Promise<boolean> {
    await this.#file.datasync().catch((error: unknown) => {
      throw this.#syncError(error);
    });
    return true;
  }

  /**
   * Gives it its final size, mode and time, and syncs it. Resolves with warnings: what could not be done though the
   * bytes are right.
   * @throws {CopyError} of the destination, or `local-io`
   */
  async finish({ size, mode, mtimeMs }: FinalState): Promise<string[]> {
    const warnings: string[] = [];
    const attempt = async (what: string, work: Promise<void>): Promise<void> => {
      await work.catch((error: unknown) => warnings.push(`${what} could not be set (${systemErrorText(error)})`));
    };
    try {
      if ((await this.#file.stat()).size !== size) await this.#file.truncate(size);
      if (mode !== undefined) await attempt('the mode', this.#file.chmod(mode & PERMISSION_BITS));
      if (mtimeMs !== undefined)
        await attempt('the times', this.#file.utimes(new Date(), new Date(Math.floor(mtimeMs))));
    } catch (error) {
      throw targetError(error, cleanText(this.path));
    }
    await this.#file.sync().catch((error: unknown) => {
      throw this.#syncError(error);
    });
    return warnings;
  }

  /**
   * Renames it to `target`, and syncs the directory. If it cannot be renamed, it is private again, as {@link reopen}
   * demands.
   * @param replaces what was at `target` when the copy was planned; undefined: nothing
   * @throws {CopyError} `partial-refused`: somebody has removed or replaced it; `target-busy`: somebody has changed the
   *   target; of the destination: it cannot be renamed
   */
  async publish(target: Uint8Array, replaces: Attributes | undefined): Promise<void> {
    try {
      await this.#expectInPlace();
      await expectUntouched(target, replaces);
      await rename(this.path, Buffer.from(target)).catch(async (error: unknown) => {
        throw await renameError(error, target);
      });
    } catch (error) {
      // The failure that led here is the one to report.
      await this.#file.chmod(PRIVATE).catch(() => {});
      throw error;
    }
    await syncDirectoryOf(target);
  }

  /**
   * For a target that is written in place: checks that it is still there, and syncs its directory, which may have a new
   * name in it.
   * @throws {CopyError} `target-busy`: somebody has removed or replaced it; of the destination: it cannot be synced
   */
  async confirmInPlace(): Promise<void> {
    const named = await this.#named();
    if (named !== 'ours') {
      const what = named === undefined ? 'removed' : 'replaced';
      throw new CopyError('target-busy', `Another program has ${what} ${cleanText(this.path)} while it was written.`, {
        advice: 'Look at what is there now; the same command writes it again.',
      });
    }
    await syncDirectoryOf(this.path);
  }

  /** Whether its path still leads to it, also after {@link close}. */
  async isInPlace(): Promise<boolean> {
    return (await this.#named()) === 'ours';
  }

  /** Removes it, if it is still there. The failure that led here is the one to report. */
  async discard(): Promise<void> {
    await unlink(this.path).catch(() => {});
  }

  async discardAndClose(): Promise<void> {
    await this.discard();
    await this.close();
  }

  close(): Promise<void> {
    this.#closing ??= this.#file.close();
    return this.#closing;
  }

  async #expectInPlace(): Promise<void> {
    const named = await this.#named();
    if (named === 'ours') return;
    const what = named === undefined ? 'removed' : 'replaced';
    throw new CopyError('partial-refused', `${cleanText(this.path)} was ${what} by another program.`);
  }

  /** What is at its path; undefined: nothing. */
  async #named(): Promise<'ours' | 'another' | undefined> {
    const named = await lstat(this.path).catch(() => undefined);
    if (named === undefined) return undefined;
    return named.ino === this.#identity.ino && named.dev === this.#identity.dev ? 'ours' : 'another';
  }

  /** It names the operation, because the system reports once that it could not store something. */
  #syncError(error: unknown): CopyError {
    const { code, message, advice } = targetError(error, cleanText(this.path));
    return new CopyError(code, message, { advice, cause: error, refused: { operation: 'sync', text: '' } });
  }
}

async function syncDirectoryOf(target: Uint8Array): Promise<void> {
  const directory = directoryName(target);
  await syncDirectory(directory.length === 0 ? '.' : directory).catch((error: unknown) => {
    throw targetError(error, cleanText(directory));
  });
}

/** A file system may have room, and none for another file. */
async function openError(error: unknown, path: Buffer, name: string): Promise<CopyError> {
  const failure = targetError(error, name);
  if (systemErrorCode(error) === 'ENOSPC' && ((await freeSpaceBeside(path)) ?? 0) > 0) {
    const advice = 'Remove some files there: the file system holds no more of them (inodes), however short they are.';
    return new CopyError('no-space', failure.message, { cause: error, advice });
  }
  if (systemErrorCode(error) !== 'EACCES' || !(await LOCAL_TARGET_FILES.lstat(path))) return failure;
  return new CopyError(failure.code, failure.message, { cause: error, advice: 'Check the permissions of the file.' });
}

/** A file that may be written although it cannot be replaced: it is mounted there, or its directory belongs to others. */
async function renameError(error: unknown, target: Uint8Array): Promise<CopyError> {
  const failure = targetError(error, cleanText(target));
  const mayOverwrite = await access(Buffer.from(target), constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!mayOverwrite || !['EBUSY', 'EXDEV', 'EPERM', 'EACCES'].includes(systemErrorCode(error) ?? '')) return failure;
  const message = `${cleanText(target)} cannot be replaced: ${systemErrorText(error)}.`;
  return new CopyError('rename-refused', message, { cause: error, advice: 'Use --inplace, which writes into it.' });
}

/** Whether a file, or a link that is replaced itself, is what was there before. */
export function isAsBefore(now: Attributes, before: Attributes | undefined): boolean {
  const isReplaceable = now.kind === 'file' || now.kind === 'link';
  return isReplaceable && now.kind === before?.kind && now.size === before.size && now.mtimeMs === before.mtimeMs;
}

/**
 * Without the lock of another machine or program, this is as near to the rename as the check can be.
 * @throws {CopyError} `target-busy`: what is at `target` is not what was there `before`
 */
async function expectUntouched(target: Uint8Array, before: Attributes | undefined): Promise<void> {
  const now = await LOCAL_TARGET_FILES.lstat(target);
  // A directory cannot be replaced by the rename, which tells so.
  if (now === undefined || now.kind === 'directory') return;
  if (isAsBefore(now, before)) return;
  throw new CopyError('target-busy', `Somebody else changed ${cleanText(target)} while it was being copied.`, {
    advice: 'Look at what is there now; the same command replaces it, and fetches only what is missing.',
  });
}
