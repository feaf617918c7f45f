/** The local file of an upload: it is opened once, read at offsets, and must not change until the end. */
import { constants, fstat } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { CopyError } from '../../errors.ts';
import type { Range } from '../../remotes/remote.ts';
import { cleanText } from '../../util/clean-text.ts';
import { systemErrorCode, systemErrorText } from '../../util/system-error.ts';
import { fillFrom } from '../runner/descriptor-fill.ts';
import { type DescriptorReads, forgetDescriptor, registerDescriptor } from '../runner/descriptor-reads.ts';
import { endsAt } from './source-end.ts';

const fstatBig = promisify(fstat) as (fd: number, options: { bigint: true }) => Promise<import('node:fs').BigIntStats>;

/** The properties by which a change of a file is noticed: a difference in any of them is a change. */
export interface SourceIdentity {
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly inode: bigint;
  readonly device: bigint;
}

export interface LocalSource {
  /** The raw descriptor: other threads read from it too. It is valid until {@link close}. */
  readonly fd: number;
  /** Bytes. */
  readonly size: number;
  readonly mtimeMs: number;
  /** Permission bits. */
  readonly mode: number;
  /**
   * Whether the file does not end where its size says, although nobody changes it. Files of /proc, /sys and FUSE may be
   * like that: only reading such a file from its beginning to its end shows its contents and their length.
   */
  readonly isStream: boolean;
  /** When the file was opened. */
  readonly identity: SourceIdentity;
  /**
   * Compares the open file, and the file that its path names now, with what they were when the file was opened.
   * @throws {CopyError} `source-changed`: one of them is different; `source-unreadable`: they cannot be examined
   */
  checkUnchanged(): Promise<void>;
  /** Closes the file when the reads of this thread that are in progress have ended; no other read begins. */
  close(): Promise<void>;
}

/**
 * Opens a regular file.
 * @throws {CopyError} `source-missing`; `source-unreadable`; `source-unsupported`: it is no regular file;
 *   `source-changed`: it changes while it is being opened
 */
export async function openSource(path: Uint8Array): Promise<LocalSource> {
  const name = cleanText(path);
  // Without O_NONBLOCK, opening a FIFO that has no writer would wait forever.
  const file = await open(Buffer.from(path), constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw sourceError(error, name);
  });
  try {
    const stats = await file.stat({ bigint: true });
    if (!stats.isFile()) throw new CopyError('source-unsupported', `${name} is not a regular file.`);
    const opened = identityOf(stats);
    const isStream = !(await endsAt(file.fd, opened.size));
    if (isStream) await checkHeld(file, opened, name);
    const reads = registerDescriptor(file.fd);
    return {
      fd: file.fd,
      size: opened.size,
      mtimeMs: Number(stats.mtimeNs / 1_000_000n),
      mode: Number(stats.mode) & 0o7777,
      isStream,
      identity: opened,
      checkUnchanged: () => reads.during(() => checkUnchanged(file, path, { opened, isStream, name })),
      close: () => reads.close(() => closeFile(file, reads)),
    };
  } catch (error) {
    await file.close();
    throw sourceError(error, name);
  }
}

function closeFile(file: FileHandle, reads: DescriptorReads): Promise<void> {
  forgetDescriptor(file.fd, reads);
  return file.close();
}

export function identityOf(stats: import('node:fs').BigIntStats): SourceIdentity {
  return {
    size: Number(stats.size),
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
    inode: stats.ino,
    device: stats.dev,
  };
}

interface Opened {
  readonly opened: SourceIdentity;
  readonly isStream: boolean;
  readonly name: string;
}

async function checkUnchanged(file: FileHandle, path: Uint8Array, { opened, isStream, name }: Opened): Promise<void> {
  try {
    // If another file was given the name, the open file shows that by its ctime alone, and that clock is coarse.
    const [named] = await Promise.all([stat(Buffer.from(path), { bigint: true }), checkHeld(file, opened, name)]);
    // Below /proc, the times of a path may be those of the moment in which it is examined.
    const now = identityOf(named);
    checkSame(isStream ? { ...opened, inode: now.inode, device: now.device } : now, opened, name);
    if (isStream || (await endsAt(file.fd, opened.size))) return;
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) throw sourceError(error, name);
    throw new CopyError('source-changed', `${name} was moved away while it was copied.`, { cause: error });
  }
  throw new CopyError('source-changed', `${name} changed while it was copied (its end).`);
}

/** @throws {CopyError} `source-changed`: the open file is different */
async function checkHeld(file: FileHandle, opened: SourceIdentity, name: string): Promise<void> {
  checkSame(identityOf(await fstatBig(file.fd, { bigint: true })), opened, name);
}

/** @throws {CopyError} `source-changed`: they are different */
export function checkSame(now: SourceIdentity, opened: SourceIdentity, name: string): void {
  const keys = Object.keys(opened) as (keyof SourceIdentity)[];
  const changed = keys.filter((key) => now[key] !== opened[key]);
  if (changed.length > 0) {
    throw new CopyError('source-changed', `${name} changed while it was copied (${changed.join(', ')}).`);
  }
}

/** The failure of a system call on a source as an error for the user. `name`: of the source, for the message. */
export function sourceError(error: unknown, name: string): CopyError {
  if (error instanceof CopyError) return error;
  const code = systemErrorCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new CopyError('source-missing', `${name} does not exist.`, { cause: error });
  }
  if (code === 'ELOOP' || code === 'ENAMETOOLONG') {
    const advice = 'Check the path of the source.';
    return new CopyError('source-unreadable', `${name} cannot be read: ${systemErrorText(error)}.`, {
      cause: error,
      advice,
    });
  }
  if (code === 'EISDIR') return new CopyError('source-unsupported', `${name} is a directory.`, { cause: error });
  return new CopyError('source-unreadable', `${name} cannot be read: ${systemErrorText(error)}.`, {
    cause: error,
    ...(code !== 'EACCES' &&
      code !== 'EPERM' && { advice: 'Find out what is wrong with the file or its file system.' }),
  });
}

/** Whether all bytes of a range of a local file have the same value. */
export async function isAllAlike(fd: number, { offset, length }: Range): Promise<boolean> {
  const bytes = Buffer.alloc(length);
  await fillFrom(fd)([bytes], offset);
  return bytes.every((byte) => byte === bytes[0]);
}
