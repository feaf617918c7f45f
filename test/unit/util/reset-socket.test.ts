import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { hangUp } from '../../../src/remotes/sftp/ssh/hang-up.ts';
import { resetSocket } from '../../../src/util/reset-socket.ts';

/** A connection whose other side has stopped reading, with more written than any buffer takes. */
async function clogged(): Promise<{ socket: Socket; other: Socket }> {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [other] = (await once(server, 'connection')) as [Socket];
  onTestFinished(() => {
    server.close();
    other.destroy();
    socket.destroy();
  });
  socket.write(Buffer.alloc(64 * 1024 * 1024));
  return { socket, other };
}

test('a reset does not wait for what is still to be written', async () => {
  const { socket, other } = await clogged();
  resetSocket(socket);
  await once(socket, 'close');
  other.resume();
  const [error] = await once(other, 'error');
  expect(error).toMatchObject({ code: 'ECONNRESET' });
});

test('hanging up ends though the other side neither reads nor hangs up', async () => {
  const { socket } = await clogged();
  // What ssh2 does to say goodbye: it is queued behind the rest.
  const client = { end: () => socket.end() } as unknown as NonNullable<Parameters<typeof hangUp>[0]>;
  await hangUp(client, socket, 50);
  expect(socket.destroyed).toBe(true);
});
