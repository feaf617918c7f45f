/**
 * Finds out whether the server renames files before a large one is sent, rather than when all of it is there.
 *
 * The staged file itself is renamed to another name that was never used, and back. Both requests are sent right behind
 * the OPEN that creates it, so that the trial costs no round trip. Some servers refuse to rename a file that is open, or
 * do not show it before it is closed: a refusal counts only if an empty file that is closed is not renamed either.
 */
import { removalRefusal } from './aside-files.ts';
import { ExtensionName, OpenFlag } from './codec/constants.ts';
import { SftpStatusError } from './codec/status-error.ts';
import { isMissing, isRefusal } from './looks.ts';
import type { SftpSession } from './session.ts';

export interface RenameTrial {
  /** Where the staged file is now. */
  readonly path: Buffer;
  /** Why the server renames nothing. */
  readonly refusal: SftpStatusError | undefined;
  /** Files of the trial that the server does not remove. */
  readonly left: readonly Buffer[];
}

type Rename = (from: Buffer, to: Buffer) => Promise<void>;

/** To be called right after OPEN of `path` was sent; `newPath` draws names beside it that were never used. */
export async function tryRename(session: SftpSession, path: Buffer, newPath: () => Buffer): Promise<RenameTrial> {
  const [first, ...others] = waysToRename(session);
  const trial = await awayAndBack(first!, path, newPath());
  if (trial.refusal === undefined || isMissing(trial.refusal))
    return { path: trial.path, refusal: undefined, left: [] };
  for (const rename of others) {
    const again = await awayAndBack(rename, path, newPath());
    if (again.refusal === undefined) return { ...again, refusal: undefined, left: [] };
  }
  return { path, ...(await tryClosedFile(session, newPath(), newPath())) };
}

/** As the commit does it: the plain rename is tried where the extension is refused. */
function waysToRename(session: SftpSession): Rename[] {
  const plain: Rename = (from, to) => session.rename(from, to);
  const posix: Rename = (from, to) => session.posixRename(from, to);
  return session.offers(ExtensionName.posixRename) ? [posix, plain] : [plain];
}

async function awayAndBack(
  rename: Rename,
  path: Buffer,
  elsewhere: Buffer,
): Promise<{ readonly path: Buffer; readonly refusal: SftpStatusError | undefined }> {
  const [away, back] = await Promise.all([
    refusalOf(rename(path, elsewhere)),
    // Where it was refused to go, or not gone yet, it is not there.
    refusalOf(rename(elsewhere, path)),
  ]);
  if (away !== undefined || back === undefined) return { path, refusal: away };
  // The server may have carried out the second request first.
  const stays = await refusalOf(rename(elsewhere, path));
  return { path: stays === undefined ? path : elsewhere, refusal: undefined };
}

/** Whether a file that is closed is renamed; undefined also where none can be created for that. */
async function tryClosedFile(
  session: SftpSession,
  path: Buffer,
  elsewhere: Buffer,
): Promise<{ readonly refusal: SftpStatusError | undefined; readonly left: readonly Buffer[] }> {
  let handle: Uint8Array;
  try {
    handle = await session.open(path, OpenFlag.write | OpenFlag.create | OpenFlag.exclusive);
  } catch (error) {
    if (error instanceof SftpStatusError) return { refusal: undefined, left: [] };
    throw error;
  }
  await refusalOf(session.closeHandle(handle));
  let refusal: SftpStatusError | undefined;
  for (const rename of waysToRename(session)) {
    refusal = await refusalOf(rename(path, elsewhere));
    if (refusal === undefined) break;
  }
  const stays = refusal === undefined ? elsewhere : path;
  const isLeft = (await removalRefusal(session, stays)) !== undefined;
  // What is not there any more tells nothing.
  return { refusal: isMissing(refusal) ? undefined : refusal, left: isLeft ? [stays] : [] };
}

async function refusalOf(answer: Promise<void>): Promise<SftpStatusError | undefined> {
  try {
    await answer;
    return undefined;
  } catch (error) {
    if (isRefusal(error) || isMissing(error)) return error;
    throw error;
  }
}
