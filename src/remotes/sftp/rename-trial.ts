/**
 * Finds out whether the server allows renaming before a large file is sent, rather than afterwards.
 *
 * The new staged file is renamed to another name that was never used, and back. Both requests are sent directly after
 * the OPEN that creates it, so that the trial costs no round trip. Some servers refuse to rename an open file, or do
 * not show it before it is closed. Therefore, a refusal counts only if a closed empty file cannot be renamed either.
 */
import { removalRefusal } from './aside-files.ts';
import { ExtensionName, OpenFlag } from './codec/constants.ts';
import { SftpStatusError } from './codec/status-error.ts';
import { isMissing, isRefusal } from './looks.ts';
import type { SftpSession } from './session.ts';

export interface RenameTrial {
  /** The present path of the staged file. */
  readonly path: Buffer;
  /** The refusal of the server to rename; undefined where it renames. */
  readonly refusal: SftpStatusError | undefined;
  /** Files of the trial that the server refused to remove. */
  readonly left: readonly Buffer[];
}

type Rename = (from: Buffer, to: Buffer) => Promise<void>;

/**
 * To be called directly after the OPEN of `path` was sent.
 * @param newPath returns a path beside it that was never used
 */
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

/** The same order as in the commit: the plain rename is tried where the extension is refused. */
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
    // This fails where the first rename was refused or is not executed yet.
    refusalOf(rename(elsewhere, path)),
  ]);
  if (away !== undefined || back === undefined) return { path, refusal: away };
  // The server may have executed the second request first.
  const stays = await refusalOf(rename(elsewhere, path));
  return { path: stays === undefined ? path : elsewhere, refusal: undefined };
}

/** Tries to rename a closed file. There is no refusal also where no such file can be created. */
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
  // That the file is missing says nothing about renaming.
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
