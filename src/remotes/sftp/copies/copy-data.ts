/** Copies between open files by `copy-data` (draft-ietf-secsh-filexfer-extensions-00, section 7). */
import { CopyError } from '../../../errors.ts';
import { cleanText } from '../../../util/clean-text.ts';
import type { Range } from '../../remote.ts';
import { ExtensionName } from '../codec/constants.ts';
import { encodeCopyData } from '../codec/extensions.ts';
import type { SftpSession } from '../session.ts';
import { withCodedErrors } from '../sftp-files.ts';

/** The most bytes of one request, because the server answers nothing else on this connection meanwhile. */
const MAX_LENGTH = 64 * 1024 * 1024;

export interface CopyDataTask {
  readonly fromHandle: Uint8Array;
  readonly toHandle: Uint8Array;
  /** The path that `toHandle` belongs to, for messages. */
  readonly to: Uint8Array;
  /** The range is the same in both files. Where the first file ends before it does, so does the copy. */
  readonly range: Range;
  /** Ends the copy after the request that is in progress. */
  readonly signal?: AbortSignal;
}

/** @throws {CopyError} `unsupported`: when the server has no copy-data, which OpenSSH has since version 9.0 */
export function checkCopyData(session: SftpSession): void {
  if (!session.offers(ExtensionName.copyData)) throw new CopyError('unsupported', 'The server has no copy-data.');
}

/**
 * Resolves when the whole range is copied, as far as the first file reaches.
 * @throws {CopyError} of the destination, such as `no-space`: when the server fails; `cancelled`: when the signal was
 *   aborted before everything was copied
 */
export async function copyData(session: SftpSession, task: CopyDataTask): Promise<void> {
  const { fromHandle, toHandle, to, range, signal } = task;
  const end = range.offset + range.length;
  for (let offset = range.offset; offset < end; offset += MAX_LENGTH) {
    if (signal?.aborted) throw new CopyError('cancelled', `The copy to ${cleanText(to)} was given up.`);
    const length = Math.min(MAX_LENGTH, end - offset);
    const payload = encodeCopyData({ fromHandle, fromOffset: offset, length, toHandle, toOffset: offset });
    await withCodedErrors(session.extended(ExtensionName.copyData, payload, length), { operation: 'write', path: to });
  }
}
