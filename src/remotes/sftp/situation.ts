/**
 * What stands around a target on SFTP: looked at in one round trip, and, where that is asked for, tried on a file of its
 * own. The target is never changed: see {@link isWritable}.
 */
import type { Attributes, FreeSpace, Situation } from '../remote.ts';
import type { SftpAttributes } from './codec/attributes.ts';
import { ExtensionName } from './codec/constants.ts';
import type { StatVfs } from './codec/extensions.ts';
import { besideOf } from './partial-name.ts';
import type { SftpSession } from './session.ts';
import { toAttributes } from './sftp-files.ts';
import { answered, opensForWriting, type Tried, tryDirectory } from './trial-file.ts';

/** A flag of statvfs: nothing can be changed on the file system. */
const READ_ONLY = 1;
const ROOT = 0;

export interface Examined {
  readonly target: Uint8Array;
  /** The partial file of the target, if it has one. */
  readonly partial: Buffer | undefined;
  /** Whether the directory and the target are tried. */
  readonly tries: boolean;
  /** Whether opening a file for writing is known to change nothing. */
  readonly opensHarmlessly: boolean;
}

interface Looked {
  readonly target: SftpAttributes | 'missing' | undefined;
  readonly partial: SftpAttributes | 'missing' | undefined;
}

/** @throws CopyError with scope `connection` when the connection is gone */
export async function examine(session: SftpSession, examined: Examined): Promise<Situation> {
  const path = Buffer.from(examined.target);
  const inDirectory = (name: string): Buffer => besideOf(path, () => Buffer.from(name));
  const [target, partial, statVfs, tried] = await Promise.all([
    looked(session.stat(path)),
    examined.partial && looked(session.lstat(examined.partial)),
    session.offers(ExtensionName.statVfs) ? answered(session.statVfs(inDirectory('.'))) : undefined,
    examined.tries ? tryDirectory(session, inDirectory) : undefined,
  ]);
  return {
    target: told(target),
    isTargetWritable: tried && (await isWritable(session, examined, { target, partial }, tried)),
    staged: examined.partial && { path: examined.partial, at: told(partial) },
    space: statVfs && freeSpace(statVfs),
    trial: tried?.trial,
  };
}

/** Undefined where the server refuses to look. */
async function looked(answer: Promise<SftpAttributes | undefined>): Promise<SftpAttributes | 'missing' | undefined> {
  return answered(answer.then((found) => found ?? 'missing'));
}

function told(found: SftpAttributes | 'missing' | undefined): Attributes | 'missing' | undefined {
  return found === undefined || found === 'missing' ? found : toAttributes(found);
}

function freeSpace({ blocksAvailable, fragmentSize, blockSize, files, filesAvailable, flags }: StatVfs): FreeSpace {
  return {
    availableBytes: blocksAvailable * (fragmentSize || blockSize),
    availableFiles: files === 0 ? undefined : filesAvailable,
    isReadOnly: (flags & READ_ONLY) !== 0,
  };
}

/**
 * Whether an existing target could be written as it stands. To open it for writing tells best, but some servers truncate
 * what is opened, or put a file of their own in its place: it is opened only where another file was seen to survive
 * that. Elsewhere its mode has to do, where the server lets a file be opened for writing at all.
 */
async function isWritable(
  session: SftpSession,
  { target: path, partial: partialPath, opensHarmlessly }: Examined,
  { target, partial }: Looked,
  { trial, attributes, reopens, keepsBytes }: Tried,
): Promise<boolean | undefined> {
  if (target === undefined || target === 'missing' || toAttributes(target).kind !== 'file') return undefined;
  const isHarmless = opensHarmlessly || (keepsBytes ?? (await survives(session, partialPath, partial)));
  if (isHarmless) return opensForWriting(session, Buffer.from(path));
  if (keepsBytes === false || (trial.creates && !reopens)) return undefined;
  const own = attributes ?? (partial === 'missing' ? undefined : partial);
  return target.permissions === undefined ? undefined : allowsWriting(target, target.permissions, own?.owner);
}

/** Whether the partial has as many bytes as before when it was opened for writing, as each connection opens it. */
async function survives(session: SftpSession, path: Buffer | undefined, found: Looked['partial']): Promise<boolean> {
  if (path === undefined || found === undefined || found === 'missing' || !found.size) return false;
  if (!(await opensForWriting(session, path))) return false;
  return (await answered(session.lstat(path)))?.size === found.size;
}

/** `me`: who owns what this account creates. */
function allowsWriting(file: SftpAttributes, mode: number, me: SftpAttributes['owner']): boolean {
  if (me === undefined || file.owner === undefined) return (mode & 0o222) === 0o222;
  if (me.uid === ROOT) return true;
  if (me.uid === file.owner.uid) return (mode & 0o200) !== 0;
  return (mode & (me.gid === file.owner.gid ? 0o020 : 0o002)) !== 0;
}
