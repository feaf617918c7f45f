/**
 * Old targets that were moved aside, because the server cannot replace a file in one step, and that were never removed,
 * because the run ended before or the server refuses to remove files.
 */
import { CopyError } from '../../errors.ts';
import { isAsideName, splitPath } from '../../util/partial-name.ts';
import type { SftpStatusError } from './codec/status-error.ts';
import { listDirectory } from './directory-listing.ts';
import { isMissing, isRefusal } from './looks.ts';
import type { SftpSession } from './session.ts';

/** A file that the server refuses to remove. */
export interface Unremovable {
  readonly path: Buffer;
  readonly refusal: SftpStatusError;
}

/**
 * Removes what earlier runs moved aside for `target`. The target must exist, because otherwise an old target that was
 * moved aside may be the only copy. Returns the first file that the server refuses to remove; undefined also where the
 * directory may not be listed.
 */
export async function removeAsideFiles(session: SftpSession, target: Buffer): Promise<Unremovable | undefined> {
  for (const path of await asideFiles(session, target)) {
    const refusal = await removalRefusal(session, path);
    if (refusal !== undefined) return { path, refusal };
  }
  return undefined;
}

/** Removes a file. Returns the refusal of the server, if any. A file that does not exist counts as removed. */
export async function removalRefusal(session: SftpSession, path: Uint8Array): Promise<SftpStatusError | undefined> {
  try {
    await session.remove(path);
  } catch (error) {
    if (isRefusal(error)) return error;
    if (!isMissing(error)) throw error;
  }
  return undefined;
}

async function asideFiles(session: SftpSession, target: Buffer): Promise<Buffer[]> {
  const { directory } = splitPath(target);
  const entries = await listDirectory(session, directory, (name) => isAsideName(target, name)).catch(
    (error: unknown) => {
      if (CopyError.from(error).scope === 'file') return [];
      throw error;
    },
  );
  return entries
    .filter(({ attributes }) => attributes.kind === 'file')
    .map(({ name }) => Buffer.concat([directory, name]));
}
