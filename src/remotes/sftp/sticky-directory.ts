/**
 * In a directory with the sticky bit, as /tmp, only the owner of a file may replace it (rename(2), EPERM). That a file
 * of one's own can be renamed there says nothing about that.
 */
import { splitPath } from '../../util/partial-name.ts';
import type { SftpAttributes } from './codec/attributes.ts';
import { SftpStatusError } from './codec/status-error.ts';
import type { SftpSession } from './session.ts';

const STICKY = 0o1000;
const TYPE_BITS = 0o170000;
const DIRECTORY = 0o040000;

/** The accounts that may replace what is at a path in a directory with the sticky bit. */
export type StickyOwners = readonly number[];

/** Undefined where the bit is not set, nothing is at `target`, or the server does not tell what is needed. */
export async function stickyOwners(session: SftpSession, target: Buffer): Promise<StickyOwners | undefined> {
  const { directory } = splitPath(target);
  const [parent, old] = await Promise.all([
    told(session.stat(directory.length === 0 ? Buffer.from('.') : directory)),
    told(session.lstat(target)),
  ]);
  const mode = parent?.permissions ?? 0;
  const [owner, ownerOfOld] = [parent?.owner?.uid, old?.owner?.uid];
  if (owner === undefined || ownerOfOld === undefined) return undefined;
  return (mode & TYPE_BITS) === DIRECTORY && (mode & STICKY) !== 0 ? [owner, ownerOfOld] : undefined;
}

/**
 * Whether this account is none of `owners`. False where the server does not tell.
 * @param handle an open file that this account has just created
 */
export async function isAnother(session: SftpSession, owners: StickyOwners, handle: Uint8Array): Promise<boolean> {
  const user = (await told(session.fstat(handle)))?.owner?.uid;
  // The superuser may replace everything.
  return user !== undefined && user !== 0 && !owners.includes(user);
}

async function told(answer: Promise<SftpAttributes | undefined>): Promise<SftpAttributes | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof SftpStatusError) return undefined;
    throw error;
  }
}
