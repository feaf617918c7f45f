/** Finds the partial files that earlier runs left beside a local target. */
import { lstat, opendir, statfs, unlink } from 'node:fs/promises';
import { baseName, directoryName, joinPath } from '../../util/byte-path.ts';
import { ABANDONED_MS, isPartialName, partialNameFits } from '../../util/partial-name.ts';

/** Names of a directory that are looked at. */
const MAX_NAMES = 10_000;
/**
 * File systems on which another machine may be writing: NFS, SMB, CIFS, SMB2, FUSE (sshfs and others), 9P, Ceph, AFS,
 * Lustre, GPFS, OCFS2 and GFS2 (`statfs(2)`, linux/magic.h).
 */
const SHARED_TYPES: readonly number[] = [
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x65735546, 0x01021997, 0x00c36400, 0x5346414f, 0x0bd00bd0, 0x47504653,
  0x7461636f, 0x01161970,
];

export interface FoundPartial {
  readonly path: Buffer;
  readonly size: number;
  readonly mtimeMs: number;
  /** When it was last written, or given the time of its source, milliseconds since 1970. */
  readonly touchedMs: number;
  /** False where it may belong to another target whose long name begins in the same way. */
  readonly isCertain: boolean;
}

/** The newest first. Where the directory cannot be listed, nothing is found. */
export async function findPartials(target: Uint8Array): Promise<FoundPartial[]> {
  return partialsAmong(await listPartialNames(directoryName(target)), target);
}

/** The names of all partial files of a directory. Where it cannot be listed, there are none. */
export async function listPartialNames(directory: Uint8Array): Promise<Buffer[]> {
  const found: Buffer[] = [];
  let count = 0;
  try {
    const path = directory.length === 0 ? Buffer.from('.') : Buffer.from(directory);
    for await (const { name } of await opendir(path, { encoding: 'buffer' as BufferEncoding })) {
      if (++count > MAX_NAMES) break;
      const bytes = name as unknown as Buffer;
      if (isPartialName(bytes)) found.push(bytes);
    }
  } catch {
    // Who may not list a directory may still write there: the file is copied from its beginning.
  }
  return found;
}

/** Those of `names`, in the directory of `target`, that may be partial files of it, the newest first. */
export async function partialsAmong(names: readonly Buffer[], target: Uint8Array): Promise<FoundPartial[]> {
  const found: FoundPartial[] = [];
  for (const name of names) {
    const fit = partialNameFits(name, baseName(target));
    if (fit === undefined) continue;
    const path = joinPath(directoryOf(target), name);
    const stats = await lstat(path).catch(() => undefined);
    if (stats?.isFile() !== true) continue;
    found.push({
      path,
      size: stats.size,
      mtimeMs: stats.mtimeMs,
      touchedMs: Math.max(stats.mtimeMs, stats.atimeMs),
      isCertain: fit === 'certain',
    });
  }
  return found.sort((one, other) => other.mtimeMs - one.mtimeMs);
}

/** Whether another machine may be writing to the file system of `target`. Unknown ones are taken for local. */
export async function isOnSharedFileSystem(target: Uint8Array): Promise<boolean> {
  try {
    const { type } = await statfs(directoryOf(target));
    return SHARED_TYPES.includes(type >>> 0);
  } catch {
    return true;
  }
}

/** Bytes that this user may still write beside `target`; undefined where the system does not tell. */
export async function freeSpaceBeside(target: Uint8Array): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(directoryOf(target));
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

/** Bytes of the disk that a file takes; 0 where it is gone. */
export async function bytesOnDisk(path: Uint8Array): Promise<number> {
  const stats = await lstat(Buffer.from(path)).catch(() => undefined);
  return (stats?.blocks ?? 0) * 512;
}

/** Removes a partial file that nobody has written to for a day. Whether it is gone. */
export async function removeIfOld(
  { path, touchedMs, isCertain }: FoundPartial,
  nowMs: number = Date.now(),
): Promise<boolean> {
  if (!isCertain || nowMs - touchedMs < ABANDONED_MS) return false;
  return unlink(path).then(
    () => true,
    () => false,
  );
}

function directoryOf(target: Uint8Array): Buffer {
  const directory = directoryName(target);
  return directory.length === 0 ? Buffer.from('.') : directory;
}
