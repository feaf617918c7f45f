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
  const aside = asidePath(target, stage);
  const isPublished = async (): Promise<boolean> => again && isAsSealed(await lstat(session, target), seal);
  let atomic = true;
  const found = await lstat(session, partial);
  if (found === undefined) {
    if (!(await isPublished())) {
      throw new CopyError('partial-refused', `${cleanText(partial)} is gone before it could be renamed.`);
    }
  } else if (!isAsSealed(found, seal)) {
    throw new CopyError('target-busy', `Somebody else changed ${cleanText(partial)}; another run may be at work.`);
  } else {
    try {
      atomic = await rename(session, partial, target, aside);
    } catch (error) {
      // The rename of the earlier call may come through just now.
      if (CopyError.from(error).scope === 'connection' || !(await isPublished())) throw error;
    }
  }
  // An earlier call may have moved the old target there before its connection was lost.
  if (again && (await lstat(session, aside)) !== undefined) {
    await asked(session.remove(aside), { operation: 'remove', path: aside });
    atomic = false;
  }
  return { atomic, size: await sizeOf(session, target) };
}

function isAsSealed(found: Attributes | undefined, seal: Seal): boolean {
  return found?.kind === 'file' && found.size === seal.size && found.mtimeMs === seal.mtimeMs;
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
    const failure = coded(error, { operation: 'rename', path: partial });
    try {
      await session.rename(aside, target);
    } catch {
      const advice = `${failure.advice} The old file is now ${cleanText(aside)}.`;
      throw new CopyError(failure.code, failure.message, { cause: error, advice });
    }
    throw failure;
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
