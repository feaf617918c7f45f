/** Creates directories on the server. */
import { PERMISSION_BITS } from '../../util/permission-bits.ts';
import { StatusCode } from './codec/constants.ts';
import { SftpStatusError } from './codec/status-error.ts';
import type { SftpSession } from './session.ts';
import { withCodedErrors } from './sftp-files.ts';

/** The answers of servers that refuse a MKDIR only because of its mode. */
const MODE_REFUSED: ReadonlySet<number> = new Set([StatusCode.permissionDenied, StatusCode.unsupported]);

/** See `RemoteConnection.makeDirectory`. */
export function makeDirectory(session: SftpSession, path: Uint8Array, mode: number | undefined): Promise<void> {
  return withCodedErrors(create(session, path, mode), { operation: 'make directory', path });
}

async function create(session: SftpSession, path: Uint8Array, mode: number | undefined): Promise<void> {
  if (mode === undefined) return session.makeDirectory(path);
  try {
    await session.makeDirectory(path, { permissions: mode & PERMISSION_BITS });
  } catch (error) {
    if (!(error instanceof SftpStatusError) || !MODE_REFUSED.has(error.status)) throw error;
    await session.makeDirectory(path).catch((again: unknown) => {
      // The first refusal had another reason than the mode, and is the one to be told.
      throw again instanceof SftpStatusError ? error : again;
    });
  }
}
