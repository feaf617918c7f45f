/**
 * Examines a target on SFTP and its surroundings in one round trip, and on request tries out on a new file what the
 * directory allows. The target is never changed: see {@link isWritable}.
 */

import { splitPath } from '../../util/partial-name.ts';
import type { Attributes, FreeSpace, Situation } from '../remote.ts';
import type { SftpAttributes } from './codec/attributes.ts';
import { ExtensionName } from './codec/constants.ts';
import type { StatVfs } from './codec/extensions.ts';
import type { SftpSession } from './session.ts';
import { toAttributes } from './sftp-files.ts';
import { opensForWriting, type Tried, tryDirectory, unlessRefused } from './trial-file.ts';

/** The flag of statvfs for a read-only file system. */
const READ_ONLY = 1;
const ROOT = 0;

export interface Examined {
  readonly target: Uint8Array;
  /** The partial file of the target, if it has one. */
  readonly partial: Buffer | undefined;
  /** Whether to try out what the directory and the target allow. */
  readonly mayTry: boolean;
  /** Whether opening a file for writing is known to change nothing. */
  readonly opensHarmlessly: boolean;
}

/** @throws {CopyError} scope `connection`: when the connection is lost */
export async function examine(session: SftpSession, examined: Examined): Promise<Situation> {
  const path = Buffer.from(examined.target);
  const inDirectory = (name: string): Buffer => Buffer.concat([splitPath(path).directory, Buffer.from(name)]);
  const [target, partial, statVfs, tried] = await Promise.all([
    lookOrRefusal(session.stat(path)),
    examined.partial && lookOrRefusal(session.lstat(examined.partial)),
    session.offers(ExtensionName.statVfs) ? unlessRefused(session.statVfs(inDirectory('.'))) : undefined,
    examined.mayTry ? tryDirectory(session, inDirectory) : undefined,
  ]);
  return {
    target: toFound(target),
    isTargetWritable: tried && (await isWritable(session, examined, target, tried)),
    staged: examined.partial && { path: examined.partial, at: toFound(partial) },
    space: statVfs && freeSpace(statVfs),
    trial: tried?.trial,
  };
}

/** Undefined where the server refuses. */
async function lookOrRefusal(
  answer: Promise<SftpAttributes | undefined>,
): Promise<SftpAttributes | 'missing' | undefined> {
  return unlessRefused(answer.then((found) => found ?? 'missing'));
}

function toFound(found: SftpAttributes | 'missing' | undefined): Attributes | 'missing' | undefined {
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
 * Whether an existing target can be opened for writing. Some servers truncate a file when it is opened, or replace it
 * by another one. Therefore, it is opened only where that is known to change nothing, or where the new file of the
 * trial survived being opened. Where the trial could not show that, because there was no room for its bytes, the mode
 * of the target decides.
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

/**
 * Whether the mode allows writing; undefined where that is unknown.
 * @param me the owner of files that this account creates
 */
function allowsWriting({ owner, permissions }: SftpAttributes, me: SftpAttributes['owner']): boolean | undefined {
  if (me === undefined || owner === undefined || permissions === undefined) return undefined;
  if (me.uid === ROOT) return true;
  if (me.uid === owner.uid) return (permissions & 0o200) !== 0;
  return (permissions & (me.gid === owner.gid ? 0o020 : 0o002)) !== 0;
}
