/** Closes a connection. */
import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import { resetSocket } from '../../../util/reset-socket.ts';

/** How long {@link hangUp} waits for the socket to close, after a regular end and after a failure. */
export const CLOSE_GRACE_MS = 1000;
export const FAIL_GRACE_MS = 200;

/**
 * Ends the SSH connection and waits until the socket is closed, at most `graceMs`. After that, the socket is reset, so
 * that buffered writes never reach a file that other connections have finished meanwhile. Never rejects.
 */
export function hangUp(client: Client | undefined, socket: Duplex, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) return resolve();
    const timer = setTimeout(() => {
      resetSocket(socket);
      resolve();
    }, graceMs);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    try {
      if (client === undefined) socket.destroy();
      else client.end();
    } catch {
      // ssh2 throws where the connection has broken down already.
      socket.destroy();
    }
  });
}
