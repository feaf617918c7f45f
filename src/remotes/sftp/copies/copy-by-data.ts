import { OpenFlag } from '../codec/constants.ts';
import type { SftpSession } from '../session.ts';
import { withCodedErrors } from '../sftp-files.ts';
import { checkCopyData, copyData } from './copy-data.ts';
import type { CopyRequest } from './copy-method.ts';

/** The {@link CopyMethod} of OpenSSH: copies a whole file with `copy-data`. */
export async function copyByData(
  connection: { readonly session: SftpSession },
  request: CopyRequest,
): Promise<readonly string[]> {
  const { session } = connection;
  const { from, to, size, mode, signal } = request;
  checkCopyData(session);
  const fromHandle = await withCodedErrors(session.open(from, OpenFlag.read), { operation: 'open', path: from });
  const handles = [fromHandle];
  try {
    const flags = OpenFlag.write | OpenFlag.create | OpenFlag.exclusive;
    const opened = session.open(to, flags, mode === undefined ? {} : { permissions: mode });
    const toHandle = await withCodedErrors(opened, { operation: 'open', path: to });
    handles.push(toHandle);
    await copyData(session, { fromHandle, toHandle, to, range: { offset: 0, length: size }, signal });
  } finally {
    const closing = { operation: 'write', path: to } as const;
    await Promise.all(handles.map((handle) => withCodedErrors(session.closeHandle(handle, size), closing)));
  }
  return [];
}
