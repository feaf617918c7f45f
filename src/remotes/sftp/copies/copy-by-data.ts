import { CopyError } from '../../../errors.ts';
import { ExtensionName, OpenFlag } from '../codec/constants.ts';
import { encodeCopyData } from '../codec/extensions.ts';
import type { SftpSession } from '../session.ts';
import { asked } from '../sftp-files.ts';
import type { CopyRequest } from './copy-method.ts';

/** Bytes of one request: the server answers nothing else on this connection meanwhile. */
const MAX_LENGTH = 64 * 1024 * 1024;

/** By `copy-data` (draft-ietf-secsh-filexfer-extensions-00, section 7), which OpenSSH has since version 9.0. */
export async function copyByData(
  connection: { readonly session: SftpSession },
  request: CopyRequest,
): Promise<readonly string[]> {
  const { session } = connection;
  const { from, to, size, mode, signal } = request;
  if (!session.offers(ExtensionName.copyData)) throw new CopyError('unsupported', 'The server has no copy-data.');
  const reading = { operation: 'open', path: from } as const;
  const writing = { operation: 'write', path: to } as const;
  const fromHandle = await asked(session.open(from, OpenFlag.read), reading);
  const handles = [fromHandle];
  try {
    const flags = OpenFlag.write | OpenFlag.create | OpenFlag.exclusive;
    const toHandle = await asked(session.open(to, flags, { permissions: mode }), { ...writing, operation: 'open' });
    handles.push(toHandle);
    for (let offset = 0; offset < size && !signal.aborted; offset += MAX_LENGTH) {
      const length = Math.min(MAX_LENGTH, size - offset);
      const payload = encodeCopyData({ fromHandle, fromOffset: offset, length, toHandle, toOffset: offset });
      await asked(session.extended(ExtensionName.copyData, payload, length), writing);
    }
  } finally {
    await Promise.all(handles.map((handle) => asked(session.closeHandle(handle, size), writing)));
  }
  return [];
}
