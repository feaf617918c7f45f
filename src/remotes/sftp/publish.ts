/** The commit on SFTP: the sealed partial takes the name of the target. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { Attributes, Published, Seal } from '../remote.ts';
import { ExtensionName } from './codec/constants.ts';
import { SftpStatusError } from './codec/status-error.ts';
import { asidePath } from './partial-name.ts';
import type { SftpSession } from './session.ts';
import { asked, coded, toAttributes } from './sftp-files.ts';
import type { StagedToken } from './staged-token.ts';

/**
 * Renames, in one step where the server can. `again`: as in `RemoteConnection.publish`.
 * @throws CopyError `rename-refused`, `partial-refused` when the partial is gone, `target-busy` when it is not as sealed
 */
export async function publish(
  session: SftpSession,
  { target, partial, stage }: StagedToken,
  seal: Seal,
  again: boolean,
): Promise<Published> {
  if (partial === undefined) return { atomic: true, size: await sizeOf(session, target) };
  const found = await lstat(session, partial);
  if (found === undefined) return recognise(session, target, partial, again ? seal : undefined);
  if (!isAsSealed(found, seal)) {
    throw new CopyError('target-busy', `Somebody else changed ${cleanText(partial)}; another run may be at work.`);
  }
  const aside = asidePath(target, stage);
  const atomic = await rename(session, partial, target, aside);
  // What an earlier call moved there before its connection was lost.
  if (again && (await lstat(session, aside)) !== undefined) {
    await asked(session.remove(aside), { operation: 'remove', path: aside });
  }
  return { atomic, size: await sizeOf(session, target) };
}

/** The partial is gone: either our own rename did happen and its answer was lost, or somebody took it away. */
async function recognise(
  session: SftpSession,
  target: Buffer,
  partial: Buffer,
  seal: Seal | undefined,
): Promise<Published> {
  const done = seal && (await lstat(session, target));
  if (done !== undefined && isAsSealed(done, seal!)) return { atomic: true, size: done.size };
  throw new CopyError('partial-refused', `${cleanText(partial)} is gone before it could be renamed.`);
}

function isAsSealed({ kind, size, mtimeMs }: Attributes, seal: Seal): boolean {
  return kind === 'file' && size === seal.size && mtimeMs === seal.mtimeMs;
}

/** Whether it was one step. */
async function rename(session: SftpSession, partial: Buffer, target: Buffer, aside: Buffer): Promise<boolean> {
  const context = { operation: 'rename', path: partial } as const;
  if (session.offers(ExtensionName.posixRename)) {
    try {
      await session.posixRename(partial, target);
      return true;
    } catch (error) {
      if (coded(error, context).code !== 'unsupported') throw coded(error, context);
    }
  }
  if ((await lstat(session, target)) === undefined) {
    await asked(session.rename(partial, target), context);
    return true;
  }
  try {
    // Some servers replace the target here, against the draft.
    await session.rename(partial, target);
    return true;
  } catch (error) {
    if (!(error instanceof SftpStatusError)) throw error;
  }
  await replaceInSteps(session, partial, target, aside);
  return false;
}

/** The old target is moved out of the way, not removed, so that it can be put back. */
async function replaceInSteps(session: SftpSession, partial: Buffer, target: Buffer, aside: Buffer): Promise<void> {
  await asked(session.rename(target, aside), { operation: 'rename', path: target });
  try {
    await session.rename(partial, target);
  } catch (error) {
    await asked(session.rename(aside, target), { operation: 'rename', path: aside });
    throw coded(error, { operation: 'rename', path: partial });
  }
  await asked(session.remove(aside), { operation: 'remove', path: aside });
}

async function lstat(session: SftpSession, path: Buffer): Promise<Attributes | undefined> {
  const found = await asked(session.lstat(path), { operation: 'stat', path });
  return found && toAttributes(found);
}

async function sizeOf(session: SftpSession, path: Buffer): Promise<number | undefined> {
  try {
    return (await session.stat(path))?.size;
  } catch (error) {
    // A drop box lets nobody look.
    if (error instanceof SftpStatusError) return undefined;
    throw error;
  }
}
