/** The end of a connection. */
import type { Socket } from 'node:net';
import type { Client } from 'ssh2';
import { resetSocket } from '../../../util/reset-socket.ts';

/**
 * Says goodbye and waits for the socket to be gone, `graceMs` at most; then it is reset, so that what is still buffered
 * never reaches a file that others have finished meanwhile. Never rejects.
 */
export function hangUp(client: Client | undefined, socket: Socket, graceMs: number): Promise<void> {
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
