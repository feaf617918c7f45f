/**
 * What stands around a target on SFTP: looked at in one round trip, and, where that is asked for, tried on a file of its
 * own. The target is never changed: see {@link isWritable}.
 */

import { splitPath } from '../../util/partial-name.ts';
import type { Attributes, FreeSpace, Situation } from '../remote.ts';
import type { SftpAttributes } from './codec/attributes.ts';
import { ExtensionName } from './codec/constants.ts';
import type { StatVfs } from './codec/extensions.ts';
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

/** @throws {CopyError} with scope `connection` when the connection is gone */
export async function examine(session: SftpSession, examined: Examined): Promise<Situation> {
  const path = Buffer.from(examined.target);
  const inDirectory = (name: string): Buffer => Buffer.concat([splitPath(path).directory, Buffer.from(name)]);
  const [target, partial, statVfs, tried] = await Promise.all([
    looked(session.stat(path)),
    examined.partial && looked(session.lstat(examined.partial)),
    session.offers(ExtensionName.statVfs) ? answered(session.statVfs(inDirectory('.'))) : undefined,
    examined.tries ? tryDirectory(session, inDirectory) : undefined,
  ]);
  return {
    target: told(target),
    isTargetWritable: tried && (await isWritable(session, examined, target, tried)),
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
 * what is opened, or put a file of their own in its place: it is opened only where that is known to change nothing, or
 * was seen to leave another file as it was. Where there was no room for bytes to see that by, its mode has to do.
 */
async function isWritable(
  session: SftpSession,
  { target: path, opensHarmlessly }: Examined,
  target: SftpAttributes | 'missing' | undefined,
  { trial, attributes, reopens, survivesOpening }: Tried,
): Promise<boolean | undefined> {
  if (target === undefined || target === 'missing' || toAttributes(target).kind !== 'file') return undefined;
  if (opensHarmlessly || survivesOpening) return opensForWriting(session, Buffer.from(path));
  if (!reopens) return trial.creates ? false : undefined;
  return survivesOpening === undefined ? allowsWriting(target, attributes?.owner) : undefined;
}

/** By the mode; `me`: who owns what this account creates. Undefined where it cannot be told. */
function allowsWriting({ owner, permissions }: SftpAttributes, me: SftpAttributes['owner']): boolean | undefined {
  if (me === undefined || owner === undefined || permissions === undefined) return undefined;
  if (me.uid === ROOT) return true;
  if (me.uid === owner.uid) return (permissions & 0o200) !== 0;
  return (permissions & (me.gid === owner.gid ? 0o020 : 0o002)) !== 0;
}
