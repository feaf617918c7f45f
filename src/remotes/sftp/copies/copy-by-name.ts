import { ExtensionName } from '../codec/constants.ts';
import { encodeCopyFile } from '../codec/extensions.ts';
import type { SftpSession } from '../session.ts';
import { asked } from '../sftp-files.ts';
import type { CopyRequest } from './copy-whole-file.ts';

/**
 * By `copy-file` (draft-ietf-secsh-filexfer-extensions-00, section 6). proftpd has it without announcing it in version 3,
 * and chooses the mode of the new file itself.
 */
export async function copyByName(
  { session }: { readonly session: SftpSession },
  { from, to, size }: CopyRequest,
): Promise<void> {
  const payload = encodeCopyFile({ from, to, overwrite: false });
  await asked(session.extended(ExtensionName.copyFile, payload, size), { operation: 'write', path: to });
}
