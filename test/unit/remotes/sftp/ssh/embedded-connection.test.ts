import { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { describe, expect, test, vi } from 'vitest';
import { CopyError } from '../../../../../src/errors.ts';
import { EmbeddedClient } from '../../../../../src/remotes/sftp/ssh/embedded-client.ts';
import { EmbeddedConnection } from '../../../../../src/remotes/sftp/ssh/embedded-connection.ts';

const lost = new CopyError('connection-lost', 'x');

/** A connection whose socket was never connected, and is closed when ssh2 is to end it. */
function open() {
  const shared = { open: 2 };
  const socket = new Socket();
  const client = new EmbeddedClient(socket, undefined, 'host:22');
  client.stage = 'open';
  const end = vi.spyOn(client.ssh, 'end').mockImplementation(() => {
    socket.destroy();
    return client.ssh;
  });
  const outgoing = { state: 'open' };
  const channel = Object.assign(new PassThrough(), { stderr: new PassThrough(), outgoing });
  const connection = new EmbeddedConnection(shared, client, channel as unknown as ClientChannel);
  return { shared, socket, end, outgoing, channel, connection };
}

describe('EmbeddedConnection', () => {
  test('fails once: with the first reason, counted once, and hung up', async () => {
    const { shared, socket, connection } = open();
    expect(shared.open).toBe(3);
    expect(connection.isOver).toBe(false);
    connection.fail(lost);
    connection.fail(new CopyError('cancelled', 'y'));
    connection.onEnd(new Error('z'));
    expect(connection.isOver).toBe(true);
    expect(shared.open).toBe(2);
    expect(await connection.closed).toBe(lost);
    await connection.close();
    expect(socket.destroyed).toBe(true);
    expect(shared.open).toBe(2);
  });

  test('closes: without a reason, when the socket is closed, and later failures do not count', async () => {
    const { shared, socket, connection } = open();
    const closing = connection.close();
    expect(shared.open).toBe(2);
    connection.fail(lost);
    await closing;
    expect(socket.closed).toBe(true);
    expect(await connection.closed).toBeUndefined();
    expect(shared.open).toBe(2);
  });

  test('when ssh2 tells of the end, the channel takes no more', async () => {
    const { outgoing, connection } = open();
    connection.onEnd(new Error('read ECONNRESET'));
    expect(outgoing.state).toBe('closed');
    const reason = await connection.closed;
    expect(reason).toMatchObject({ code: 'connection-lost' });
    expect(reason?.message).toBe('The connection to host:22 was lost (read ECONNRESET).');
  });

  test('also where that comes after the connection was closed', async () => {
    const { outgoing, connection } = open();
    await connection.close();
    expect(outgoing.state).toBe('open');
    connection.onEnd(undefined);
    expect(outgoing.state).toBe('closed');
  });

  test.each([
    [[3], 'with status 3'],
    [[null, 'KILL'], 'by KILL'],
  ])('the subsystem ends %j: told with what it said last', async (exit, how) => {
    const { channel, connection, shared } = open();
    channel.stderr.emit('data', Buffer.from('no space'));
    channel.emit('exit', ...exit);
    channel.destroy();
    const reason = await connection.closed;
    expect(reason?.message).toBe(`The sftp subsystem of host:22 ended ${how}: no space.`);
    expect(shared.open).toBe(2);
    expect(await connection.programEnd(0)).toMatchObject({ hasEnded: true });
  });

  test('the channel that ends with the connection says nothing about the program', async () => {
    const { channel, connection } = open();
    connection.fail(lost);
    channel.destroy();
    expect(await connection.programEnd(1000)).toMatchObject({ hasEnded: false });
    expect(await connection.closed).toBe(lost);
  });
});
