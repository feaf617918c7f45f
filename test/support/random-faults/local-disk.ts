/**
 * `node:fs` and `node:fs/promises` without threads: each call is done at once, and its promise or callback follows in a
 * microtask. So the order in which calls end is the same in every run. What is opened is counted.
 *
 * What is written to partial files has the time of the program's clock, survives a loss of power only when it was synced,
 * and may fail.
 */
import { promisify } from 'node:util';
import { isPartialName } from '../../../src/util/partial-name.ts';

/** The real module, whatever `vi.mock` puts in its place elsewhere. */
const fs: typeof import('node:fs') = process.getBuiltinModule('node:fs');

const open = new Set<number>();

/** The next so many calls of each kind fail. */
export interface DiskTroubles {
  failingWrites: number;
  failingSyncs: number;
  failingRenames: number;
}

export const diskTroubles: DiskTroubles = { failingWrites: 0, failingSyncs: 0, failingRenames: 0 };

/** Called before and after a partial file gets its final name. Returns whether the program is killed at that moment. */
export const renames: { onRename: (moment: 'before' | 'after') => boolean } = { onRename: () => false };

interface Unsynced {
  path: string;
  /** What was there before each write, the last one last. */
  readonly before: { readonly offset: number; readonly length: number; readonly bytes: Buffer }[];
}

/** By inode. */
const unsynced = new Map<number, Unsynced>();
/** Paths by descriptor. */
const paths = new Map<number, string>();

function isPartial(path: string): boolean {
  return isPartialName(Buffer.from(path.slice(path.lastIndexOf('/') + 1)));
}

function fails(kind: keyof DiskTroubles, code: string): void {
  if (diskTroubles[kind] <= 0) return;
  diskTroubles[kind]--;
  throw Object.assign(new Error(`${code}: it failed`), { code });
}

function touch(fd: number): void {
  fs.futimesSync(fd, Date.now() / 1000, Date.now() / 1000);
}

function writev(fd: number, views: readonly Uint8Array[], position: number): number {
  fails('failingWrites', 'ENOSPC');
  const length = views.reduce((sum, view) => sum + view.length, 0);
  const bytes = Buffer.alloc(length);
  const had = fs.readSync(fd, bytes, 0, length, position);
  const { ino } = fs.fstatSync(fd);
  const entry = unsynced.get(ino) ?? { path: paths.get(fd)!, before: [] };
  entry.before.push({ offset: position, length, bytes: bytes.subarray(0, had) });
  unsynced.set(ino, entry);
  const written = fs.writevSync(fd, views as Uint8Array<ArrayBuffer>[], position);
  touch(fd);
  return written;
}

function rename(from: Buffer | string, to: Buffer | string): void | Promise<void> {
  const [source, target] = [from.toString(), to.toString()];
  if (!isPartial(source)) return fs.renameSync(source, target);
  fails('failingRenames', 'EACCES');
  // What is killed never learns what came of it.
  if (renames.onRename('before')) return new Promise(() => {});
  fs.renameSync(source, target);
  for (const entry of unsynced.values()) if (entry.path === source) entry.path = target;
  return renames.onRename('after') ? new Promise(() => {}) : undefined;
}

/** Any part of what was not synced is lost. */
export function losePower(random: () => number): void {
  for (const [ino, { path, before }] of unsynced) {
    if (fs.statSync(path, { throwIfNoEntry: false })?.ino !== ino) continue;
    const fd = fs.openSync(path, 'r+');
    for (const { offset, length, bytes } of before.reverse()) {
      if (random() < 0.5)
        fs.writeSync(fd, Buffer.concat([bytes, Buffer.alloc(length - bytes.length)]), 0, length, offset);
    }
    fs.closeSync(fd);
  }
  unsynced.clear();
}

/** Everything is on the disk, and nothing fails. */
export function healDisk(): void {
  unsynced.clear();
  stopDiskTroubles();
}

/** Nothing fails any more. */
export function stopDiskTroubles(): void {
  Object.assign(diskTroubles, { failingWrites: 0, failingSyncs: 0, failingRenames: 0 });
  renames.onRename = () => false;
}

/** Descriptors that are open. */
export function openDescriptors(): number {
  return open.size;
}

/** Their paths. */
export function openPaths(): string[] {
  return [...open].map((fd) => paths.get(fd) ?? '?');
}

/** As the system does it when a process is killed. */
export function closeDescriptors(): void {
  for (const fd of open) fs.closeSync(fd);
  open.clear();
  paths.clear();
}

type Sync = (...args: never[]) => unknown;

/** The same with a promise. */
function asPromise(sync: Sync): (...args: never[]) => Promise<unknown> {
  return async (...args) => sync(...args);
}

/** The same with a callback; `named`: what `promisify` makes of its result. */
function asCallback(sync: Sync, named: (result: unknown) => unknown): Sync {
  const withCallback = (...args: unknown[]): void => {
    const done = args.pop() as (error: unknown, result?: unknown) => void;
    queueMicrotask(() => {
      let result: unknown;
      try {
        result = sync(...(args as never[]));
      } catch (error) {
        return done(error);
      }
      done(null, result);
    });
  };
  const withPromise = async (...args: never[]): Promise<unknown> => named(sync(...args));
  return Object.assign(withCallback, { [promisify.custom]: withPromise });
}

class SyncFileHandle {
  readonly fd: number;

  constructor(fd: number, path: string) {
    this.fd = fd;
    open.add(fd);
    paths.set(fd, path);
  }

  async stat(options: { bigint: true }): Promise<import('node:fs').BigIntStats> {
    return fs.fstatSync(this.fd, options);
  }

  async truncate(size: number): Promise<void> {
    fs.ftruncateSync(this.fd, size);
    touch(this.fd);
  }

  async chmod(mode: number): Promise<void> {
    fs.fchmodSync(this.fd, mode);
  }

  async utimes(atime: number, mtime: number): Promise<void> {
    fs.futimesSync(this.fd, atime, mtime);
  }

  async read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }> {
    return { bytesRead: fs.readSync(this.fd, buffer, offset, length, position) };
  }

  async appendFile(bytes: string | Buffer): Promise<void> {
    fs.appendFileSync(this.fd, bytes);
  }

  async sync(): Promise<void> {
    if (isPartial(paths.get(this.fd)!)) fails('failingSyncs', 'EIO');
    unsynced.delete(fs.fstatSync(this.fd).ino);
  }

  datasync(): Promise<void> {
    return this.sync();
  }

  async close(): Promise<void> {
    if (open.delete(this.fd)) fs.closeSync(this.fd);
  }
}

const bytesRead = (result: unknown): unknown => ({ bytesRead: result });
const bytesWritten = (result: unknown): unknown => ({ bytesWritten: result });

/** The entries are read by threads otherwise. */
function opendir(path: Buffer | string, options?: { readonly encoding?: BufferEncoding }): AsyncIterable<unknown> {
  const entries = fs.readdirSync(path, { ...options, withFileTypes: true });
  return {
    async *[Symbol.asyncIterator]() {
      yield* entries;
    },
  };
}

/** Instead of `node:fs`. */
export function callbacks(): object {
  return {
    ...fs,
    read: asCallback(fs.readSync as Sync, bytesRead),
    writev: asCallback(writev as Sync, bytesWritten),
    readv: asCallback(fs.readvSync as Sync, bytesRead),
    fstat: asCallback(fs.fstatSync as Sync, (stats) => stats),
  };
}

/** Instead of `node:fs/promises`. */
export function promises(): object {
  return {
    ...fs.promises,
    open: async (path: Buffer | string, flags: number, mode?: number) => {
      const isNew = isPartial(path.toString()) && !fs.existsSync(path);
      const fd = fs.openSync(path, flags, mode);
      if (isNew) touch(fd);
      return new SyncFileHandle(fd, path.toString());
    },
    stat: asPromise(fs.statSync as Sync),
    lstat: asPromise(fs.lstatSync as Sync),
    rename: asPromise(rename as Sync),
    realpath: asPromise(fs.realpathSync as unknown as Sync),
    statfs: asPromise(fs.statfsSync as Sync),
    access: asPromise(fs.accessSync as Sync),
    rm: asPromise(fs.rmSync as Sync),
    rmdir: asPromise(fs.rmdirSync as Sync),
    unlink: asPromise(fs.unlinkSync as Sync),
    mkdir: asPromise(fs.mkdirSync as Sync),
    readFile: asPromise(fs.readFileSync as Sync),
    opendir: asPromise(opendir as unknown as Sync),
  };
}
