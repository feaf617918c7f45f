import { ExtensionName } from '../codec/constants.ts';
import { encodeCopyFile } from '../codec/extensions.ts';
import { exposureWarnings } from '../create-partial.ts';
import { isRefusal, lookAt } from '../looks.ts';
import type { SftpSession } from '../session.ts';
import { withCodedErrors } from '../sftp-files.ts';
import type { CopyRequest } from './copy-method.ts';

/**
 * The {@link CopyMethod} of proftpd: `copy-file` (draft-ietf-secsh-filexfer-extensions-00, section 6), which proftpd
 * supports in version 3 without announcing it. The server chooses the mode of the new file, so that others may be able
 * to read it until the copy is complete. Only then can the requested mode be set.
 */
export async function copyByName(
  { session }: { readonly session: SftpSession },
  { from, to, size, mode }: CopyRequest,
): Promise<readonly string[]> {
  const payload = encodeCopyFile({ from, to, overwrite: false });
  await withCodedErrors(session.extended(ExtensionName.copyFile, payload, size), { operation: 'write', path: to });
  if (mode !== undefined && (await hasSetMode(session, to, mode))) return [];
  const look = await withCodedErrors(lookAt(session, to), { operation: 'stat', path: to });
  return exposureWarnings(to, look.isTold ? look.at?.mode : undefined);
}

/** Sets the mode; false where the server refuses. */
async function hasSetMode(session: SftpSession, path: Buffer, mode: number): Promise<boolean> {
  try {
    await session.setStat(path, { permissions: mode });
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}
