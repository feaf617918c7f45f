/**
 * Gets the attributes of files on servers that refuse some of the requests for that. Accounts that may only write are
 * often denied STAT, LSTAT, FSTAT or OPENDIR, or several of them. Where one request is refused, another one is tried.
 */
import type { Attributes } from '../remote.ts';
import { StatusCode } from './codec/constants.ts';
import { SftpStatusError } from './codec/status-error.ts';
import type { SftpSession } from './session.ts';
import { toAttributes } from './sftp-files.ts';

/** The result of a look. `at`: undefined where nothing exists. `refusal`: set where the server refuses to tell. */
export type Look =
  | { readonly isTold: true; readonly at: Attributes | undefined }
  | { readonly isTold: false; readonly refusal: SftpStatusError };

/** Whether the server refused, as opposed to a file that does not exist and to a lost connection. */
export function isRefusal(error: unknown): error is SftpStatusError {
  if (!(error instanceof SftpStatusError) || error.isMissing) return false;
  return error.status !== StatusCode.noConnection && error.status !== StatusCode.connectionLost;
}

export function isMissing(error: unknown): error is SftpStatusError {
  return error instanceof SftpStatusError && error.isMissing;
}

/** Looks at `path`; symbolic links are followed. The size of a directory that may only be listed is 0. */
export async function lookThrough(session: SftpSession, path: Uint8Array): Promise<Look> {
  const look = await told(session.stat(path));
  if (look.isTold) return look;
  const link = await told(session.lstat(path));
  if (link.isTold && link.at?.kind !== 'link') return link;
  return (await isListed(session, path)) ? { isTold: true, at: { kind: 'directory', size: 0 } } : look;
}

/** Looks at `path`. A symbolic link at its end is followed only where the server refuses LSTAT. */
export async function lookAt(session: SftpSession, path: Uint8Array): Promise<Look> {
  const look = await told(session.lstat(path));
  if (look.isTold) return look;
  const followed = await told(session.stat(path));
  return followed.isTold ? followed : look;
}

/** Looks at an open file. `path`: the path with which it was opened. */
export async function lookAtOpen(session: SftpSession, handle: Uint8Array, path: Uint8Array): Promise<Look> {
  const look = await told(session.fstat(handle));
  if (look.isTold) return look;
  const byPath = await lookAt(session, path);
  return byPath.isTold && byPath.at !== undefined ? byPath : look;
}

/**
 * Whether what is at `path` is the file that `handle` has open for writing. Others may write it at the same time, so
 * it is looked at before and after. Where one of the looks is refused, nothing speaks against it.
 */
export async function showsOpenFile(session: SftpSession, handle: Uint8Array, path: Uint8Array): Promise<boolean> {
  const [before, byPath, after] = await Promise.all([
    told(session.fstat(handle)),
    told(session.stat(path)),
    told(session.fstat(handle)),
  ]);
  if (!before.isTold || !byPath.isTold || !after.isTold) return true;
  const [first, shown, last] = [before.at, byPath.at, after.at];
  if (first === undefined || last === undefined) return true;
  if (shown === undefined) return false;
  return isBetween(first.size, shown.size, last.size) && isBetween(first.mtimeMs, shown.mtimeMs, last.mtimeMs);
}

/** What is not told is not compared. */
function isBetween(least: number | undefined, value: number | undefined, most: number | undefined): boolean {
  if (least === undefined || value === undefined || most === undefined) return true;
  return value >= least && value <= most;
}

async function told(answer: Promise<Parameters<typeof toAttributes>[0] | undefined>): Promise<Look> {
  try {
    const found = await answer;
    return { isTold: true, at: found && toAttributes(found) };
  } catch (error) {
    if (isRefusal(error)) return { isTold: false, refusal: error };
    throw error;
  }
}

async function isListed(session: SftpSession, path: Uint8Array): Promise<boolean> {
  try {
    await session.closeHandle(await session.openDirectory(path));
    return true;
  } catch (error) {
    if (error instanceof SftpStatusError) return false;
    throw error;
  }
}
