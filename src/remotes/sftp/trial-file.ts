/** What a directory allows, tried on a new file with an ordinary name, which is removed again. */
import { randomBytes } from 'node:crypto';
import type { DirectoryTrial } from '../remote.ts';
import type { SftpAttributes } from './codec/attributes.ts';
import { ExtensionName, OpenFlag } from './codec/constants.ts';
import { SftpStatusError } from './codec/status-error.ts';
import type { SftpSession } from './session.ts';

/** As much as a WRITE of a copy has: where a quota has room for less, a copy gets no further either. */
const MAX_TRIAL_LENGTH = 256 * 1024;
const LONG_AGO = { atimeSeconds: 1_000_000_000, mtimeSeconds: 1_000_000_000 };

/** The answer, or undefined where the server says no. Rejects where the connection is gone. */
export async function answered<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof SftpStatusError) return undefined;
    throw error;
  }
}

async function isAllowed(answer: Promise<void>): Promise<boolean> {
  return (await answered(answer.then(() => true))) ?? false;
}

export interface Tried {
  readonly trial: DirectoryTrial;
  /** Of the file that was created. */
  readonly attributes: SftpAttributes | undefined;
  /** Whether the file may be opened for writing again. */
  readonly reopens: boolean;
  /** Whether opening it for writing left its bytes and its time as they were; undefined where that could not be tried. */
  readonly survivesOpening: boolean | undefined;
}

/** `path(name)`: where a name stands in the directory. */
export async function tryDirectory(session: SftpSession, path: (name: string) => Buffer): Promise<Tried> {
  // No dot, nothing but letters and digits: what refuses this name refuses any.
  const name = `mttrial${randomBytes(8).toString('hex')}`;
  const first = path(name);
  const flags = OpenFlag.write | OpenFlag.create | OpenFlag.exclusive;
  const handle = await answered(session.open(first, flags));
  if (handle === undefined) {
    return { trial: { creates: false }, attributes: undefined, reopens: false, survivesOpening: undefined };
  }
  // A server may tell only at the end that there was no room.
  const length = Math.min(session.limits.maxWriteLength, MAX_TRIAL_LENGTH);
  const taken = await isAllowed(writeTrial(session, handle, length));
  const closed = await isAllowed(session.closeHandle(handle, length));
  const writes = taken && closed;
  // A server that puts another file in the place of the one that is opened gives that the time of now.
  const isDated = await isAllowed(session.setStat(first, { times: LONG_AGO }));
  const reopens = await opensForWriting(session, first);
  const attributes = (await answered(session.lstat(first))) ?? undefined;
  const second = path(`${name}b`);
  const renames = await isRenamed(session, first, second);
  const last = renames ? second : first;
  const removes = await isAllowed(session.remove(last));
  const isAsBefore = attributes?.size === length && isDated && attributes.times?.mtimeSeconds === LONG_AGO.mtimeSeconds;
  const trial = { creates: true, writes, renames, removes, ...(!removes && { leftBehind: last }) };
  return { trial, attributes, reopens, survivesOpening: writes && reopens ? isAsBefore : undefined };
}

/** Whether the server opens `path`, which exists, for writing. */
export async function opensForWriting(session: SftpSession, path: Buffer): Promise<boolean> {
  const handle = await answered(session.open(path, OpenFlag.write));
  if (handle === undefined) return false;
  return isAllowed(session.closeHandle(handle));
}

/** Random bytes, which cannot be compressed. */
async function writeTrial(session: SftpSession, handle: Uint8Array, length: number): Promise<void> {
  const request = session.allocateWrite(handle, length);
  for (const view of request.views) view.set(randomBytes(view.length));
  await Promise.all(session.sendWrites([{ request, offset: 0 }]));
}

async function isRenamed(session: SftpSession, from: Buffer, to: Buffer): Promise<boolean> {
  if (session.offers(ExtensionName.posixRename) && (await isAllowed(session.posixRename(from, to)))) return true;
  return isAllowed(session.rename(from, to));
}
