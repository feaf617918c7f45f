/** Servers of other kinds at the port: the message says at once what answered. */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CopyError } from '../../src/errors.ts';
import { EmbeddedTransport } from '../../src/remotes/sftp/ssh/embedded-transport.ts';
import { resolveSshOptions } from '../../src/remotes/sftp/ssh/resolve-options.ts';

/** So long that a test which waits for it fails. */
const CONNECT_TIMEOUT_MS = 120_000;

async function listening(server: Server, sockets = new Set<Socket>()): Promise<number> {
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

async function failureAt(port: number, connectTimeoutMs = CONNECT_TIMEOUT_MS): Promise<CopyError> {
  const environment = { home: '/nonexistent', user: 'me', variables: {} };
  const options = ['UserKnownHostsFile=none', 'GlobalKnownHostsFile=none'];
  const settings = resolveSshOptions({ host: '127.0.0.1', port, connectTimeoutMs, options, batch: true }, environment);
  const transport = new EmbeddedTransport({ settings, environment });
  const error = await transport.open(1, new AbortController().signal).catch((thrown: unknown) => thrown);
  if (!(error instanceof CopyError)) throw new Error('it was let in');
  return error;
}

const says = (text: string | Buffer) => createServer((socket) => void socket.write(text));

/** As many TLS servers do; others close the connection without a word. */
function alerting(): Server {
  return createServer((socket) => void socket.once('data', () => socket.end(Buffer.from('15030100020246', 'hex'))));
}

function endlessly(line: string): Server {
  return createServer((socket) => {
    const more = (): void => {
      while (socket.writable && socket.write(line));
    };
    socket.on('drain', more);
    more();
  });
}

describe('where no SSH server listens', () => {
  test.each([
    ['HTTP', createHttpServer(), 'an HTTP server (HTTP/1.1 400 Bad Request)'],
    ['TLS, which is silent until it is spoken to', alerting(), 'a TLS server, as of HTTPS'],
    ['FTP', says('220 ProFTPD Server ready.\r\n'), 'an FTP server (220 ProFTPD Server ready.)'],
    ['SMTP', says('220 mail.example ESMTP Postfix\r\n'), 'an SMTP server (220 mail.example ESMTP Postfix)'],
    ['SSH-1', says('SSH-1.5-1.2.27\n'), 'a server of SSH version 1.5'],
    ['an endless line', endlessly('x'.repeat(64)), `something that sends a line without end (${'x'.repeat(80)}…)`],
    ['endless lines', endlessly('hello\n'), 'something that sends text without end (hello)'],
    ['binary noise', says(Buffer.from('00ff8001c3e2907f6a11', 'hex')), 'something that sends binary data'],
  ])('%s', async (_name, server, what) => {
    const port = await listening(server);
    const error = await failureAt(port);
    expect(error).toMatchObject({ code: 'protocol', exitCode: 8, scope: 'run', retry: false });
    expect(error.message).toBe(`127.0.0.1:${port} is no SSH server: ${what} answered.`);
    expect(error.advice).toMatch(/^Check host and port/);
  });

  test('a connection that is closed at once, which may also be a ban', async () => {
    const port = await listening(createServer((socket) => void socket.end()));
    const error = await failureAt(port);
    expect(error).toMatchObject({ code: 'connection-refused', exitCode: 5, retry: true });
    expect(error.message).toBe(
      `127.0.0.1:${port} closed the connection before it sent anything: it refuses connections now, or is no SSH server.`,
    );
    expect(error.advice).toMatch(/refuse this address for a while/);
  });

  test('text that may come before an identification, and then nothing: the text is told', async () => {
    const port = await listening(says('How do you do?\r\n'));
    const error = await failureAt(port, 300);
    expect(error.message).toContain('it sent no identification, but this: How do you do?.');
  });
});
