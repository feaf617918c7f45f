/**
 * Calls of the system on small files, made on this thread where that is quick.
 *
 * Node hands each call on a file to another thread, which takes ten times as long as the call itself on a local disk
 * whose data is in memory. On this thread, a call holds up everything else. Therefore none is made here on file systems
 * of other machines, which may never answer, nor for a while after one that took long, as on a disk that has to seek.
 */
import {
  type BigIntStats,
  close,
  closeSync,
  fchmod,
  fchmodSync,
  fstat as fstatCallback,
  fstatSync,
  fsync as fsyncCallback,
  fsyncSync,
  futimes,
  futimesSync,
  lstat,
  lstatSync,
  open,
  openSync,
  read as readCallback,
  readSync,
  rename,
  renameSync,
  type Stats,
  stat as statCallback,
  statSync,
  unlink,
  unlinkSync,
  write as writeCallback,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { isOnSharedFileSystem } from './local-partials.ts';

/** A call that takes longer than this is a reason to use other threads ... */
const SLOW_MS = 5;
/** ... for so long. */
const PAUSE_MS = 1000;
/** The same for a sync, which takes long on most disks. */
const SLOW_SYNC_MS = 1;
/** Files that are synced by other threads at the same time: one of these stays free for other work. */
const MAX_SYNCS = 3;
const MAX_LATEST = 256;
/** A name in the working directory. */
const HERE_NAME = Buffer.from('./f');

const BIG = { bigint: true } as const;

/** Each rejects with the error of the system. */
export interface FileCalls {
  open(path: Buffer, flags: number, mode?: number): Promise<number>;
  close(fd: number): Promise<void>;
  fstat(fd: number): Promise<BigIntStats>;
  stat(path: Buffer): Promise<BigIntStats>;
  lstat(path: Buffer): Promise<Stats>;
  /** Resolves with how many bytes were read. */
  read(fd: number, into: Buffer, offset: number): Promise<number>;
  /** Resolves with how many bytes were written. */
  write(fd: number, bytes: Uint8Array, offset: number): Promise<number>;
  fchmod(fd: number, mode: number): Promise<void>;
  futimes(fd: number, atime: Date, mtime: Date): Promise<void>;
  /** Resolves with how long the disk took, in milliseconds. */
  fsync(fd: number): Promise<number>;
  rename(from: Buffer, to: Buffer): Promise<void>;
  unlink(path: Buffer): Promise<void>;
}

const fsync = promisify(fsyncCallback);
const read = promisify(readCallback);
const write = promisify(writeCallback);
type Big = (of: Buffer | number, options: typeof BIG) => Promise<BigIntStats>;
const [fstat, stat] = [fstatCallback, statCallback].map((call) => promisify(call) as unknown as Big) as [Big, Big];

let syncs = 0;
const waiting: (() => void)[] = [];

/** The waiting for other syncs does not count. */
async function syncElsewhere(fd: number): Promise<number> {
  if (syncs < MAX_SYNCS) syncs++;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  const beganMs = performance.now();
  try {
    await fsync(fd);
    return performance.now() - beganMs;
  } finally {
    const next = waiting.shift();
    if (next === undefined) syncs--;
    else next();
  }
}

/** On other threads. */
const ELSEWHERE: FileCalls = {
  open: promisify(open),
  close: promisify(close),
  fstat: (fd) => fstat(fd, BIG),
  stat: (path) => stat(path, BIG),
  lstat: promisify(lstat),
  read: async (fd, into, offset) => (await read(fd, into, offset, into.length - offset, offset)).bytesRead,
  write: async (fd, bytes, offset) => (await write(fd, bytes, offset, bytes.length - offset, offset)).bytesWritten,
  fchmod: promisify(fchmod),
  futimes: promisify(futimes),
  fsync: syncElsewhere,
  rename: promisify(rename),
  unlink: promisify(unlink),
};

let slowUntilMs = 0;
let syncsSlowlyUntilMs = 0;

/** Makes a call on this thread, and notes whether it took long. */
async function here<T>(call: () => T): Promise<T> {
  const beganMs = performance.now();
  try {
    return call();
  } finally {
    const endedMs = performance.now();
    if (endedMs - beganMs > SLOW_MS) slowUntilMs = endedMs + PAUSE_MS;
  }
}

async function syncHere(fd: number): Promise<number> {
  const beganMs = performance.now();
  fsyncSync(fd);
  const endedMs = performance.now();
  if (endedMs - beganMs > SLOW_SYNC_MS) syncsSlowlyUntilMs = endedMs + PAUSE_MS;
  return endedMs - beganMs;
}

/** On this thread. */
const HERE: FileCalls = {
  open: (path, flags, mode) => here(() => openSync(path, flags, mode)),
  close: (fd) => here(() => closeSync(fd)),
  fstat: (fd) => here(() => fstatSync(fd, BIG)),
  stat: (path) => here(() => statSync(path, BIG)),
  lstat: (path) => here(() => lstatSync(path)),
  read: (fd, into, offset) => here(() => readSync(fd, into, offset, into.length - offset, offset)),
  write: (fd, bytes, offset) => here(() => writeSync(fd, bytes, offset, bytes.length - offset, offset)),
  fchmod: (fd, mode) => here(() => fchmodSync(fd, mode)),
  futimes: (fd, atime, mtime) => here(() => futimesSync(fd, atime, mtime)),
  fsync: (fd) => (performance.now() < syncsSlowlyUntilMs ? syncElsewhere(fd) : syncHere(fd)),
  rename: (from, to) => here(() => renameSync(from, to)),
  unlink: (path) => here(() => unlinkSync(path)),
};

/** Whether the directories that were asked about last are on file systems of this machine. */
const latest: Map<string, Promise<boolean>> = new Map();

/** The calls for a few operations on a small file in this directory, which begin now. */
export async function callsIn(directory: Buffer): Promise<FileCalls> {
  const key = directory.toString('latin1');
  let isLocal = latest.get(key);
  if (isLocal === undefined) {
    if (latest.size >= MAX_LATEST) latest.clear();
    // Any name in the directory will do.
    isLocal = isOnSharedFileSystem(
      directory.length === 0 ? HERE_NAME : Buffer.concat([directory, Buffer.from('/f')]),
    ).then((isShared) => !isShared);
    latest.set(key, isLocal);
  }
  return (await isLocal) && performance.now() >= slowUntilMs ? HERE : ELSEWHERE;
}
