/** Detects that an idle connection is dead, and keeps middleboxes from dropping it. */
import { HOME } from '../../util/byte-path.ts';
import type { SftpSession } from './session.ts';

/**
 * Sends a request every `everyMs` milliseconds (0: never) while no other request is in progress, until the session
 * ends. The request has the same deadline as any other, so that a dead connection ends the session.
 *
 * The keepalive of SSH itself is not used, because a missing answer says nothing about a busy connection: its requests
 * queue behind data, and proftpd does not answer them during a slow operation.
 */
export function keepAlive(session: SftpSession, everyMs: number): void {
  if (everyMs <= 0) return;
  const timer = setInterval(() => {
    // Any answer shows that the connection is alive, and the session itself reports its end.
    if (session.inFlight === 0) session.realPath(HOME).catch(() => {});
  }, everyMs);
  timer.unref();
  void session.closed.then(() => clearInterval(timer));
}
