/** Copies between open files by `copy-data` (draft-ietf-secsh-filexfer-extensions-00, section 7). */
import { CopyError } from '../../../errors.ts';
import type { Range } from '../../remote.ts';
import { ExtensionName } from '../codec/constants.ts';
import { encodeCopyData } from '../codec/extensions.ts';
import type { SftpSession } from '../session.ts';
import { asked } from '../sftp-files.ts';

/** Bytes of one request: the server answers nothing else on this connection meanwhile. */
const MAX_LENGTH = 64 * 1024 * 1024;

export interface CopyDataTask {
  readonly fromHandle: Uint8Array;
  readonly toHandle: Uint8Array;
  /** The path behind `toHandle`, for messages. */
  readonly to: Uint8Array;
  /** The same in both files. Where the first one ends before, so does the copy. */
  readonly range: Range;
  /** Ends the copy after the request that is under way. */
  readonly signal?: AbortSignal;
}

/** @throws {CopyError} `unsupported`: when the server has no copy-data, which OpenSSH has since version 9.0 */
export function checkCopyData(session: SftpSession): void {
  if (!session.offers(ExtensionName.copyData)) throw new CopyError('unsupported', 'The server has no copy-data.');
}

/** @throws {CopyError} of the destination, such as `no-space` */
export async function copyData(session: SftpSession, task: CopyDataTask): Promise<void> {
  const { fromHandle, toHandle, to, range, signal } = task;
  const end = range.offset + range.length;
  for (let offset = range.offset; offset < end && !signal?.aborted; offset += MAX_LENGTH) {
    const length = Math.min(MAX_LENGTH, end - offset);
    const payload = encodeCopyData({ fromHandle, fromOffset: offset, length, toHandle, toOffset: offset });
    await asked(session.extended(ExtensionName.copyData, payload, length), { operation: 'write', path: to });
  }
}
