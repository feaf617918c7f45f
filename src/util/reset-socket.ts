/** The end of a TCP connection by RST, at once. */
import type { Socket } from 'node:net';

/**
 * Resets the connection: what is buffered on either side of it is lost. Node's own `resetAndDestroy` first waits until
 * everything is written, which never happens where the other side has stopped reading; told that the socket is to be
 * reset already, `destroy` does not wait. A Node that does not know this property closes it in the ordinary way.
 */
export function resetSocket(socket: Socket): void {
  // Just while it is being shut down the system refuses; it is closed all the same.
  socket.on('error', () => {});
  Reflect.set(socket, 'resetAndClosing', true);
  socket.destroy();
}
