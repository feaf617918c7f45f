import type { SftpSession } from '../../src/remotes/sftp/session.ts';
import type { WriteRequest } from '../../src/remotes/sftp/session-write.ts';

/** Puts `data` where the data of a WRITE goes. */
export function fillWrite({ views }: WriteRequest, data: Uint8Array): void {
  let at = 0;
  for (const view of views) {
    view.set(data.subarray(at, at + view.length));
    at += view.length;
  }
}

/** One WRITE of `data`. */
export function sendWrite(session: SftpSession, handle: Uint8Array, data: Uint8Array, offset: number): Promise<void> {
  const request = session.allocateWrite(handle, data.length);
  fillWrite(request, data);
  return session.sendWrites([{ request, offset }])[0]!;
}
