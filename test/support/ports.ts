import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';

/** A port of 127.0.0.1 that is free now. Another process may take it, so whoever binds it tries again with the next. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Looks whether somebody listens; on Linux without a connection, which the server would count and log. */
export async function isListening(port: number): Promise<boolean> {
  if (existsSync('/proc/net/tcp')) {
    const listening = new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} [0:]+ 0A `);
    return ['/proc/net/tcp', '/proc/net/tcp6'].some(
      (path) => existsSync(path) && listening.test(readFileSync(path, 'latin1')),
    );
  }
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
