import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { CipherAlgorithm } from 'ssh2';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EmbeddedClient } from '../../../../../src/remotes/sftp/ssh/embedded-client.ts';

/** A client on a socket, and the other end of it, which speaks for the server. */
async function pair() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const near = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  await once(near, 'connect');
  const [far] = (await accepted) as [Socket];
  far.on('error', () => {});
  onTestFinished(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  const client = new EmbeddedClient(near, undefined, 'host:22');
  client.ssh.on('error', () => {});
  const others: string[] = [];
  const begin = (): void => client.connect({ username: 'me' }, (what) => others.push(what));
  /** Resolves when the client has got it. */
  const say = async (text: string): Promise<void> => {
    const got = once(near, 'data');
    far.write(text);
    await got;
  };
  return { client, near, far, others, begin, say };
}

describe('EmbeddedClient', () => {
  test('keeps what the server says before its identification, which tells why it refuses', async () => {
    const { client, begin, say } = await pair();
    begin();
    expect(client).toMatchObject({ stage: 'identification', software: '', greeting: '' });
    await say('Too many\r\n');
    expect(client).toMatchObject({ stage: 'identification', greeting: 'Too many\r\n' });
    expect(client.lostError(undefined)).toMatchObject({
      code: 'connection-refused',
      message: 'host:22 refused the connection: Too many.',
    });
  });

  test('advances when the server has identified itself', async () => {
    const { client, begin, say, others } = await pair();
    begin();
    await say('Welcome\r\nSSH-2.0-Some_1.0 more\r\n');
    expect(client).toMatchObject({ stage: 'key exchange', software: 'Some_1.0 more', greeting: '' });
    expect(client.lostError(undefined).message).toBe(
      'The connection to host:22 was closed by the server during key exchange.',
    );
    expect(others).toEqual([]);
  });

  test('tells what else has answered', async () => {
    const { client, begin, say, others } = await pair();
    begin();
    await say('HTTP/1.1 400 Bad Request\r\n');
    expect(others).toEqual([expect.stringContaining('an HTTP server')]);
    expect(client.stage).toBe('identification');
  });

  test('hangs up at once before the server has identified itself, and again without effect', async () => {
    const { client, near, far, begin } = await pair();
    begin();
    far.resume();
    const closed = once(far, 'close');
    await client.hangUp(60_000);
    expect(near.closed).toBe(true);
    await closed;
    await client.hangUp(60_000);
  });

  test('a configuration that ssh2 refuses is a mistake of usage', async () => {
    const { client } = await pair();
    const cipher = ['no-such-cipher' as CipherAlgorithm];
    expect(() => client.connect({ username: 'me', algorithms: { cipher } }, () => {})).toThrow(
      expect.objectContaining({ code: 'usage' }),
    );
  });
});
