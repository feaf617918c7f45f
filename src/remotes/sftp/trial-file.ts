/** Tries out what a directory allows, on a new file with an ordinary name that is removed afterwards. */
import { randomBytes } from 'node:crypto';
import type { DirectoryTrial } from '../remote.ts';
import type { SftpAttributes } from './codec/attributes.ts';
import { ExtensionName, OpenFlag } from './codec/constants.ts';
import { SftpStatusError } from './codec/status-error.ts';
import type { SftpSession } from './session.ts';

/** The length of a WRITE in a copy. Where a quota has no room for it, a copy cannot continue either. */
const MAX_TRIAL_LENGTH = 256 * 1024;
const LONG_AGO = { atimeSeconds: 1_000_000_000, mtimeSeconds: 1_000_000_000 };

/** The answer, or undefined where the server refuses. Rejects where the connection is lost. */
export async function unlessRefused<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof SftpStatusError) return undefined;
    throw error;
  }
}

async function isAllowed(answer: Promise<void>): Promise<boolean> {
  return (await unlessRefused(answer.then(() => true))) ?? false;
}

export interface Tried {
  readonly trial: DirectoryTrial;
  /** The attributes of the file that was created. */
  readonly attributes: SftpAttributes | undefined;
  /** Whether the file may be opened for writing again. */
  readonly reopens: boolean;
  /**
   * Whether opening the file for writing changed neither its size nor its time; undefined where that could not be
   * tried.
   */
  readonly survivesOpening: boolean | undefined;
}

/** @param path returns the path of a name in the directory */
export async function tryDirectory(session: SftpSession, path: (name: string) => Buffer): Promise<Tried> {
  // The name has only letters and digits, so that a server that refuses it would refuse any name.
  const name = `mttrial${randomBytes(8).toString('hex')}`;
  const first = path(name);
  const flags = OpenFlag.write | OpenFlag.create | OpenFlag.exclusive;
  const handle = await unlessRefused(session.open(first, flags));
  if (handle === undefined) {
    return { trial: { creates: false }, attributes: undefined, reopens: false, survivesOpening: undefined };
  }
  // A server may report only at the end that there was no room.
  const length = Math.min(session.limits.maxWriteLength, MAX_TRIAL_LENGTH);
  const taken = await isAllowed(writeTrial(session, handle, length));
  const closed = await isAllowed(session.closeHandle(handle, length));
  const writes = taken && closed;
  // Where a server replaces a file that is opened by another one, that gets the present time.
  const isDated = await isAllowed(session.setStat(first, { times: LONG_AGO }));
  const reopens = await opensForWriting(session, first);
  const attributes = (await unlessRefused(session.lstat(first))) ?? undefined;
  const second = path(`${name}b`);
  const renames = await isRenamed(session, first, second);
  const last = renames ? second : first;
  const removes = await isAllowed(session.remove(last));
  const isAsBefore = attributes?.size === length && isDated && attributes.times?.mtimeSeconds === LONG_AGO.mtimeSeconds;
  const trial = { creates: true, writes, renames, removes, ...(!removes && { leftBehind: last }) };
  return { trial, attributes, reopens, survivesOpening: writes && reopens ? isAsBefore : undefined };
}

/** Whether the server opens an existing file for writing. */
export async function opensForWriting(session: SftpSession, path: Buffer): Promise<boolean> {
  const handle = await unlessRefused(session.open(path, OpenFlag.write));
  if (handle === undefined) return false;
  return isAllowed(session.closeHandle(handle));
}

/** Writes random bytes, which a file system cannot compress. */
async function writeTrial(session: SftpSession, handle: Uint8Array, length: number): Promise<void> {
  const request = session.allocateWrite(handle, length);
  for (const view of request.views) view.set(randomBytes(view.length));
  await Promise.all(session.sendWrites([{ request, offset: 0 }]));
}

async function isRenamed(session: SftpSession, from: Buffer, to: Buffer): Promise<boolean> {
  if (session.offers(ExtensionName.posixRename) && (await isAllowed(session.posixRename(from, to)))) return true;
  return isAllowed(session.rename(from, to));
}
