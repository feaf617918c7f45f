/** Notices that a connection is dead on which nothing is under way, and keeps middleboxes from forgetting it. */
import type { SftpSession } from './session.ts';

const HOME = Buffer.from('.');

/**
 * Asks the server something, every `everyMs` milliseconds, while no other request is under way. The answer has the
 * deadline of every other request. Ends with the session.
 *
 * This takes the place of SSH's own keepalive, whose answers say nothing about a connection that is busy: its requests
 * queue behind data, and proftpd answers none of them during a slow operation.
 */
export function keepAlive(session: SftpSession, everyMs: number): void {
  if (everyMs <= 0) return;
  const timer = setInterval(() => {
    // Any answer will do, and the end of the session is reported by the session.
    if (session.inFlight === 0) session.realPath(HOME).catch(() => {});
  }, everyMs);
  timer.unref();
  void session.closed.then(() => clearInterval(timer));
}
