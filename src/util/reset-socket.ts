/** Ends a TCP connection at once, by RST. */
import type { Duplex } from 'node:stream';

/**
 * Resets the connection; what is buffered on either side is lost. `resetAndDestroy` of Node first waits until
 * everything is written, which never happens where the other side has stopped reading. `destroy` does not wait if the
 * socket is marked as about to be reset. A version of Node that does not know this property closes the socket in the
 * ordinary way, and so does another stream.
 */
export function resetSocket(socket: Duplex): void {
  // While the socket is being shut down, the system refuses the reset; the socket is closed nevertheless.
  socket.on('error', () => {});
  Reflect.set(socket, 'resetAndClosing', true);
  socket.destroy();
}
