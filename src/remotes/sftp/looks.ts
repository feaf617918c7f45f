/**
 * Looks at files on servers that refuse some of the requests for that. Accounts that may only write are often denied
 * STAT, LSTAT, FSTAT or OPENDIR, each alone or several of them: what one request does not tell, another may.
 */
import type { Attributes } from '../remote.ts';
import { StatusCode } from './codec/constants.ts';
import { SftpStatusError } from './codec/status-error.ts';
import type { SftpSession } from './session.ts';
import { toAttributes } from './sftp-files.ts';

/** `at`: undefined where nothing stands there. `refusal`: nobody may know. */
export type Look =
  | { readonly isTold: true; readonly at: Attributes | undefined }
  | { readonly isTold: false; readonly refusal: SftpStatusError };

/** Whether the server said no, as opposed to "nothing is there" and to a lost connection. */
export function isRefusal(error: unknown): error is SftpStatusError {
  if (!(error instanceof SftpStatusError) || error.isMissing) return false;
  return error.status !== StatusCode.noConnection && error.status !== StatusCode.connectionLost;
}

export function isMissing(error: unknown): error is SftpStatusError {
  return error instanceof SftpStatusError && error.isMissing;
}

/** What stands at `path`; symbolic links are followed. Of a directory that may only be listed, the size is 0. */
export async function lookThrough(session: SftpSession, path: Uint8Array): Promise<Look> {
  const look = await told(session.stat(path));
  if (look.isTold) return look;
  const link = await told(session.lstat(path));
  if (link.isTold && link.at?.kind !== 'link') return link;
  return (await isListed(session, path)) ? { isTold: true, at: { kind: 'directory', size: 0 } } : look;
}

/** What stands at `path`. A symbolic link is followed only where the server answers nothing else. */
export async function lookAt(session: SftpSession, path: Uint8Array): Promise<Look> {
  const look = await told(session.lstat(path));
  if (look.isTold) return look;
  const followed = await told(session.stat(path));
  return followed.isTold ? followed : look;
}

/** What an open file looks like; `path` is what it was opened by. */
export async function lookAtOpen(session: SftpSession, handle: Uint8Array, path: Uint8Array): Promise<Look> {
  const look = await told(session.fstat(handle));
  if (look.isTold) return look;
  const byPath = await lookAt(session, path);
  return byPath.isTold && byPath.at !== undefined ? byPath : look;
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
