/**
 * `node:fs` and `node:fs/promises` without threads: each call is done at once, and its promise or callback follows in a
 * microtask. So the order in which calls end is the same in every run. What is opened is counted.
 */
import { promisify } from 'node:util';

/** The real module, whatever `vi.mock` puts in its place elsewhere. */
const fs: typeof import('node:fs') = process.getBuiltinModule('node:fs');

const open = new Set<number>();

/** Descriptors that are open. */
export function openDescriptors(): number {
  return open.size;
}

/** As the system does it when a process is killed. */
export function closeDescriptors(): void {
  for (const fd of open) fs.closeSync(fd);
  open.clear();
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

  constructor(fd: number) {
    this.fd = fd;
    open.add(fd);
  }

  async stat(options: { bigint: true }): Promise<import('node:fs').BigIntStats> {
    return fs.fstatSync(this.fd, options);
  }

  async read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }> {
    return { bytesRead: fs.readSync(this.fd, buffer, offset, length, position) };
  }

  async appendFile(bytes: string | Buffer): Promise<void> {
    fs.appendFileSync(this.fd, bytes);
  }

  /** No computer loses its power here. */
  async sync(): Promise<void> {}

  async datasync(): Promise<void> {}

  async close(): Promise<void> {
    if (open.delete(this.fd)) fs.closeSync(this.fd);
  }
}

const bytesRead = (result: unknown): unknown => ({ bytesRead: result });

/** Instead of `node:fs`. */
export function callbacks(): object {
  return {
    ...fs,
    read: asCallback(fs.readSync as Sync, bytesRead),
    readv: asCallback(fs.readvSync as Sync, bytesRead),
    fstat: asCallback(fs.fstatSync as Sync, (stats) => stats),
  };
}

/** Instead of `node:fs/promises`. */
export function promises(): object {
  return {
    ...fs.promises,
    open: async (path: Buffer | string, flags: number, mode?: number) =>
      new SyncFileHandle(fs.openSync(path, flags, mode)),
    stat: asPromise(fs.statSync as Sync),
    lstat: asPromise(fs.lstatSync as Sync),
    rename: asPromise(fs.renameSync as Sync),
    rm: asPromise(fs.rmSync as Sync),
    rmdir: asPromise(fs.rmdirSync as Sync),
    unlink: asPromise(fs.unlinkSync as Sync),
    mkdir: asPromise(fs.mkdirSync as Sync),
    readFile: asPromise(fs.readFileSync as Sync),
    opendir: asPromise(fs.opendirSync as Sync),
  };
}
