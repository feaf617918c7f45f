/** The local file a copy is made from: opened once, read at offsets, and checked at the end for having held still. */
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

/** What tells one state of a file from another; a difference in any of them is a change. */
export interface SourceIdentity {
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly inode: bigint;
  readonly device: bigint;
}

export interface LocalSource {
  /** The raw descriptor: other threads read from it too. Valid until {@link close}. */
  readonly fd: number;
  readonly size: number;
  readonly mtimeMs: number;
  /** Permission bits. */
  readonly mode: number;
  /**
   * Whether it does not end where its size says, although it holds still, as files of /proc, /sys and FUSE may: then only
   * reading it from its beginning to its end tells what is in it, and how much.
   */
  readonly isStream: boolean;
  /** As it was when it was opened. */
  readonly identity: SourceIdentity;
  /**
   * @throws CopyError `source-changed` unless file and name are still what they were when it was opened;
   * `source-unreadable` where that cannot be told.
   */
  checkUnchanged(): Promise<void>;
  /** Waits for the reads of this thread; no other begins any more. */
  close(): Promise<void>;
}

/**
 * Opens a regular file.
 * @throws CopyError `source-missing`, `source-unreadable`, `source-unsupported`; `source-changed` where it changes just now.
 */
export async function openSource(path: Uint8Array): Promise<LocalSource> {
  const name = cleanText(path);
  // Without O_NONBLOCK the opening of a FIFO that nobody writes would wait for ever.
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

function identityOf(stats: import('node:fs').BigIntStats): SourceIdentity {
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
    // Of the open file alone only the ctime would tell that another one took its name, and its clock is coarse.
    const [named] = await Promise.all([stat(Buffer.from(path), { bigint: true }), checkHeld(file, opened, name)]);
    // Below /proc the times of a name may be those of the look.
    const now = identityOf(named);
    checkSame(isStream ? { ...opened, inode: now.inode, device: now.device } : now, opened, name);
    if (isStream || (await endsAt(file.fd, opened.size))) return;
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) throw sourceError(error, name);
    throw new CopyError('source-changed', `${name} was moved away while it was copied.`, { cause: error });
  }
  throw new CopyError('source-changed', `${name} changed while it was copied (its end).`);
}

/** Of the open file. */
async function checkHeld(file: FileHandle, opened: SourceIdentity, name: string): Promise<void> {
  checkSame(identityOf(await fstatBig(file.fd, { bigint: true })), opened, name);
}

function checkSame(now: SourceIdentity, opened: SourceIdentity, name: string): void {
  const keys = Object.keys(opened) as (keyof SourceIdentity)[];
  const changed = keys.filter((key) => now[key] !== opened[key]);
  if (changed.length > 0) {
    throw new CopyError('source-changed', `${name} changed while it was copied (${changed.join(', ')}).`);
  }
}

/** What the failure of a system call on a source means. */
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

/** Whether all bytes of a range of a local file are the same. */
export async function isAllAlike(fd: number, { offset, length }: Range): Promise<boolean> {
  const bytes = Buffer.alloc(length);
  await fillFrom(fd)([bytes], offset);
  return bytes.every((byte) => byte === bytes[0]);
}
