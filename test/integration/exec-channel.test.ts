import { text } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { ExecChannel, SshConnection } from '../../src/remotes/sftp/ssh/ssh-connection.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { proftpdForTest, proxyForTest, sshdForTest } from '../support/for-one-test.ts';
import { isAlive } from '../support/process-tree.ts';
import { serverForAll } from '../support/server-for-all.ts';
import { transportTo } from '../support/sftp-remote-to.ts';
import { type SshdOptions, startSshd } from '../support/sshd.ts';
import type { TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait-for.ts';

async function connectionTo(server: TestServer, port?: number): Promise<SshConnection> {
  const transport = transportTo(server, port === undefined ? {} : { port });
  const connection = await transport.open(1, new AbortController().signal);
  onTestFinished(() => connection.close());
  return connection;
}

/** The reply to SSH_FXP_INIT: the subsystem still works. */
async function expectSftp(connection: SshConnection): Promise<void> {
  const reply = new Promise<Buffer>((resolve) => connection.sftp.once('data', resolve));
  connection.sftp.write(Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 3]));
  expect((await reply).readUInt32BE(5)).toBe(3);
}

function whole(channel: ExecChannel): Promise<string> {
  return text(channel.stdout);
}

/** The first line, without its end. */
async function firstLine(channel: ExecChannel): Promise<string> {
  const chunk = await new Promise<Buffer>((resolve) => channel.stdout.once('data', resolve));
  return chunk.toString().split('\n', 1)[0] ?? '';
}

describeWithServers(['sshd'], 'commands with sshd', () => {
  const serverOfAll = serverForAll(startSshd);

  async function sshdConnection(options?: SshdOptions): Promise<{ server: TestServer; connection: SshConnection }> {
    const server = options === undefined ? serverOfAll() : await sshdForTest(options);
    return { server, connection: await connectionTo(server) };
  }

  test('output and exit status, and the subsystem beside them', async () => {
    const { connection } = await sshdConnection();
    const channel = await connection.exec('echo out; exit 7');
    const [output, status] = await Promise.all([whole(channel), channel.exited]);
    expect([output, status]).toEqual(['out\n', 7]);
    await expectSftp(connection);
  });

  test('a signal is no exit status', async () => {
    const { connection } = await sshdConnection();
    const channel = await connection.exec('kill -9 $$');
    channel.stdout.resume();
    expect(await channel.exited).toBeUndefined();
  });

  test('stdin ends, and with it the command', async () => {
    const { connection } = await sshdConnection();
    const channel = await connection.exec('cat; exit 3');
    channel.stdin.end('to and fro');
    expect(await whole(channel)).toBe('to and fro');
    expect(await channel.exited).toBe(3);
  });

  test('the exit status of a command that closes its output long before it ends', async () => {
    const { server, connection } = await sshdConnection();
    const channel = await connection.exec(`exec >&- 2>&-; until [ -e ${server.home}/go ]; do sleep 0.02; done; exit 5`);
    channel.stdin.end();
    channel.stdout.resume();
    await finished(channel.stdout, { writable: false });
    const other = await connection.exec(`touch ${server.home}/go`);
    other.stdout.resume();
    expect(await other.exited).toBe(0);
    expect(await channel.exited).toBe(5);
  });

  test('the end comes behind all output, however slowly that is read', async () => {
    const { connection } = await sshdConnection();
    const size = 32 << 20;
    const channel = await connection.exec(`head -c ${size} /dev/zero`);
    let length = 0;
    let hasExited = false;
    void channel.exited.then(() => {
      hasExited = true;
    });
    for await (const chunk of channel.stdout) {
      expect(hasExited).toBe(false);
      length += (chunk as Buffer).length;
      await new Promise(setImmediate);
    }
    expect(length).toBe(size);
    expect(await channel.exited).toBe(0);
  });

  test('what is not read holds the command up', async () => {
    const { server, connection } = await sshdConnection();
    const mark = `${server.home}/written`;
    const channel = await connection.exec(`head -c 67108864 /dev/zero; echo $? > ${mark}`);
    // Asked over the same connection: by then it could have sent far more than the window.
    const other = await connection.exec(`head -c 67108864 /dev/zero; ls ${mark}`);
    other.stdout.resume();
    expect(await other.exited).not.toBe(0);
    expect(channel.stdout.readableLength).toBeLessThanOrEqual(4 << 20);
    channel.stdout.resume();
    expect(await channel.exited).toBe(0);
  });

  test('large input waits for a command that does not read it', async () => {
    const { connection } = await sshdConnection();
    const channel = await connection.exec('read line; echo "$line"; exec cat > /dev/null');
    const block = Buffer.alloc(1 << 20, 'x');
    block[0] = 0x0a;
    let isFull = false;
    for (let i = 0; i < 16; i++) isFull = !channel.stdin.write(block);
    expect(isFull).toBe(true);
    await new Promise((resolve) => channel.stdin.once('drain', resolve));
    channel.stdin.end();
    expect(await whole(channel)).toBe('\n');
    expect(await channel.exited).toBe(0);
  });

  test('of stderr the end is kept, and however much it is, it does not block the command', async () => {
    const { connection } = await sshdConnection();
    const channel = await connection.exec('head -c 8000000 /dev/zero | tr "\\0" x >&2; echo last words >&2');
    channel.stdout.resume();
    expect(await channel.exited).toBe(0);
    expect(channel.stderrTail()).toMatch(/^x{989}last words\n$/);
  });

  test('a connection that is cut while a command runs', async () => {
    const server = serverOfAll();
    const proxy = await proxyForTest(server, {});
    const connection = await connectionTo(server, proxy.port);
    const channel = await connection.exec('echo begun; exec sleep 60');
    const lines: string[] = [];
    channel.stdout.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
    await waitFor(() => lines.length > 0, { what: 'the command to begin' });
    await proxy.reset('all');
    expect(await channel.exited).toBeUndefined();
    await waitFor(() => channel.stdout.readableEnded, { what: 'the output to end' });
    expect(await connection.closed).toMatchObject({ code: 'connection-lost' });
    // What comes late must not throw.
    channel.stdin.write('late');
    channel.stdin.end();
    channel.close();
    await expect(connection.exec('true')).rejects.toMatchObject({ code: 'connection-lost', scope: 'connection' });
    expect(lines.join('')).toBe('begun\n');
  });

  test('a connection that is cut before the command has begun', async () => {
    const server = serverOfAll();
    const proxy = await proxyForTest(server, {});
    const connection = await connectionTo(server, proxy.port);
    await proxy.stall('all');
    const refused = expect(connection.exec('true')).rejects.toMatchObject({ code: 'connection-lost' });
    await proxy.reset('all');
    await refused;
  });

  test('a server that does not answer: unsupported within five seconds', async () => {
    const server = serverOfAll();
    const proxy = await proxyForTest(server, {});
    const connection = await connectionTo(server, proxy.port);
    await proxy.stall('all');
    const begun = performance.now();
    await expect(connection.exec('true')).rejects.toMatchObject({ code: 'unsupported' });
    expect(performance.now() - begun).toBeLessThan(6000);
    await proxy.resume('all');
    await expectSftp(connection);
  });

  test('close ends a command that waits for input', async () => {
    const { connection } = await sshdConnection();
    const channel = await connection.exec('echo $$; exec cat');
    const pid = Number(await firstLine(channel));
    expect(isAlive({ pid })).toBe(true);
    channel.close();
    await channel.exited;
    await waitFor(() => !isAlive({ pid }), { what: 'the command to be gone' });
    channel.close();
    await expectSftp(connection);
  });

  test('close ends a command whose output nobody reads', async () => {
    const { connection } = await sshdConnection();
    const channel = await connection.exec('exec cat /dev/zero');
    channel.close();
    expect(await channel.exited).toBeUndefined();
  });

  test('more, one after another, than a server allows at once', async () => {
    const { connection } = await sshdConnection({ config: ['MaxSessions 10'] });
    const warnings: Error[] = [];
    const warned = (warning: Error): unknown => warnings.push(warning);
    process.on('warning', warned);
    onTestFinished(() => void process.off('warning', warned));
    for (let i = 0; i < 30; i++) {
      const channel = await connection.exec(`exit ${i}`);
      channel.stdout.resume();
      expect(await channel.exited).toBe(i);
    }
    expect(warnings).toEqual([]);
  });

  test('one more than a server allows is refused, and the rest goes on', async () => {
    const { connection } = await sshdConnection({ config: ['MaxSessions 2'] });
    const held = await connection.exec('cat');
    await expect(connection.exec('true')).rejects.toMatchObject({ code: 'unsupported', scope: 'file' });
    held.stdin.end('held');
    expect(await whole(held)).toBe('held');
    expect(await held.exited).toBe(0);
    await expectSftp(connection);
  });
});

describeWithServers(['proftpd'], 'commands with proftpd', () => {
  test('are refused, as often as asked, and the connection stays of use', async () => {
    const connection = await connectionTo(await proftpdForTest());
    for (let i = 0; i < 15; i++) {
      const error = await connection.exec('true').catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'unsupported', scope: 'file' });
      expect(String(error)).toContain('Unable to exec');
    }
    await expectSftp(connection);
  });
});
