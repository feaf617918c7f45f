/**
 * Old targets that were moved aside, because the server can neither replace a file nor let the new one wait, and that
 * were never removed: by runs that ended in between, or where the server refuses to remove files.
 */
import type { SftpStatusError } from './codec/status-error.ts';
import { isMissing, isRefusal } from './looks.ts';
import { isAsideName } from './partial-name.ts';
import type { SftpSession } from './session.ts';
import { toAttributes } from './sftp-files.ts';

/** Entries of the directory that are looked at. */
const MAX_ENTRIES = 10_000;

/** A file that the server does not let anybody remove. */
export interface Unremovable {
  readonly path: Buffer;
  readonly refusal: SftpStatusError;
}

/**
 * Removes what earlier runs moved aside for `target`, which must be in its place. Returns the first of them that the
 * server refuses to remove; undefined also where it does not let the directory be listed.
 */
export async function removeAsideFiles(session: SftpSession, target: Buffer): Promise<Unremovable | undefined> {
  for (const path of await asideFiles(session, target)) {
    const refusal = await removalRefusal(session, path);
    if (refusal !== undefined) return { path, refusal };
  }
  return undefined;
}

/** Removes a file; returns why the server refused to. What is gone already counts as removed. */
export async function removalRefusal(session: SftpSession, path: Buffer): Promise<SftpStatusError | undefined> {
  try {
    await session.remove(path);
  } catch (error) {
    if (isRefusal(error)) return error;
    if (!isMissing(error)) throw error;
  }
  return undefined;
}

async function asideFiles(session: SftpSession, target: Buffer): Promise<Buffer[]> {
  const slash = target.lastIndexOf('/');
  const directory = slash < 0 ? Buffer.from('.') : target.subarray(0, slash + 1);
  const found: Buffer[] = [];
  try {
    const handle = await session.openDirectory(directory);
    try {
      for (let seen = 0; seen < MAX_ENTRIES; ) {
        const entries = await session.readDirectory(handle);
        if (entries === 'eof' || entries.length === 0) break;
        seen += entries.length;
        for (const { name, attributes } of entries) {
          if (!isAsideName(target, name) || toAttributes(attributes).kind !== 'file') continue;
          found.push(Buffer.concat([target.subarray(0, slash + 1), name]));
        }
      }
    } finally {
      await session.closeHandle(handle);
    }
  } catch (error) {
    if (!isRefusal(error) && !isMissing(error)) throw error;
  }
  return found;
}
