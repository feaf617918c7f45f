import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { CopyError } from '../../src/errors.ts';
import { EmbeddedTransport } from '../../src/remotes/sftp/ssh/embedded-transport.ts';
import type { Interaction } from '../../src/remotes/sftp/ssh/interaction.ts';
import { resolveSshOptions } from '../../src/remotes/sftp/ssh/resolve-options.ts';
import type { SshConnection } from '../../src/remotes/sftp/ssh/ssh-connection.ts';
import type { SshInput } from '../../src/remotes/sftp/ssh/ssh-options.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { freePort } from '../support/ports.ts';
import { runOk, startProcess } from '../support/process.ts';
import { startProftpd } from '../support/proftpd.ts';
import { makeKey, publicKey } from '../support/ssh-keys.ts';
import { type SshdOptions, startSshd } from '../support/sshd.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import type { TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait-for.ts';

const never = new AbortController().signal;

interface Setup {
  readonly input?: Partial<SshInput>;
  readonly variables?: Record<string, string>;
  readonly interaction?: Interaction;
  readonly home?: string;
  readonly warn?: (message: string) => void;
}

function transportTo(server: Pick<TestServer, 'host' | 'port' | 'user'>, setup: Setup): EmbeddedTransport {
  const environment = { home: setup.home ?? '/nonexistent', user: 'nobody', variables: setup.variables ?? {} };
  const { host, port, user } = server;
  const input = { host, port, user, connectTimeoutMs: 5000, stallTimeoutMs: 30_000, ...setup.input };
  const { interaction, warn } = setup;
  return new EmbeddedTransport({
    settings: resolveSshOptions(input, environment),
    environment,
    ...(interaction === undefined ? {} : { interaction }),
    ...(warn === undefined ? {} : { onWarning: warn }),
  });
}

function trusting(server: TestServer, options: readonly string[] = []): Partial<SshInput> {
  return {
    identityFiles: [server.identityFile],
    options: [...options, `UserKnownHostsFile=${server.knownHostsFile}`, 'GlobalKnownHostsFile=none'],
  };
}

/** Nobody who answers; counts the questions. */
function asked(answers: { secret?: (prompt: string) => string | undefined; trust?: boolean } = {}) {
  const questions: string[] = [];
  const interaction: Interaction = {
    secret: async (prompt) => {
      questions.push(prompt);
      return answers.secret?.(prompt);
    },
    trustHostKey: async ({ host, keyType, fingerprint }) => {
      questions.push(`${host} ${keyType} ${fingerprint}`);
      return answers.trust ?? false;
    },
  };
  return { questions, interaction };
}

async function failureOf(opening: Promise<SshConnection>): Promise<CopyError> {
  const result = await opening.then(
    async (connection) => {
      await connection.close();
      return undefined;
    },
    (error: unknown) => error,
  );
  if (!(result instanceof CopyError)) throw new Error(`not refused as it should be: ${result}`);
  return result;
}

/** The reply to SSH_FXP_INIT: the subsystem works. */
async function sftpVersion(connection: SshConnection): Promise<number> {
  const reply = new Promise<Buffer>((resolve) => connection.sftp.once('data', resolve));
  connection.sftp.write(Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 3]));
  return (await reply).readUInt32BE(5);
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name.startsWith('TCPSocketWrap')).length;
}

async function nothingIsOpen(before: number): Promise<void> {
  await waitFor(() => openSockets() <= before, { what: 'sockets to be gone' });
}

async function withSshd(options: SshdOptions = {}): Promise<TestServer> {
  const server = await startSshd(options);
  onTestFinished(() => server.stop());
  return server;
}

/** As a worker makes it: from what can be sent to it, after the first connection, and without a question. */
async function expectAnotherThreadLetIn(transport: EmbeddedTransport): Promise<void> {
  const other = EmbeddedTransport.fromSpec(structuredClone(transport.spec));
  const connections = await Promise.all([11, 12].map((id) => other.open(id, never)));
  expect(await Promise.all(connections.map(sftpVersion))).toEqual([3, 3]);
  await Promise.all(connections.map((connection) => connection.close()));
}

describeWithServers(['sshd'], 'EmbeddedTransport with sshd', () => {
  let server: TestServer;
  let dir: TempDir;

  beforeAll(async () => {
    server = await startSshd({ logLevel: 'DEBUG1' });
    dir = await makeTempDir('transport');
  });

  afterAll(async () => {
    await server?.stop();
    await dir?.remove();
  });

  /** What sshd logs while `action` runs, and until the connections it made have ended. */
  async function logged(action: () => Promise<void>): Promise<string> {
    const before = (await server.log()).length;
    await action();
    const since = async () => (await server.log()).slice(before);
    await waitFor(async () => /Connection (closed|reset)|Received disconnect|Disconnected from/.test(await since()), {
      what: 'sshd to log the end of the connection',
    });
    return since();
  }

  const attempted = /userauth-request for user/;

  test('opens, speaks SFTP, closes without a trace', async () => {
    const before = openSockets();
    const log = await logged(async () => {
      const connection = await transportTo(server, { input: trusting(server) }).open(1, never);
      expect(connection.software).toMatch(/^OpenSSH_/);
      expect(await sftpVersion(connection)).toBe(3);
      await connection.close();
      expect(await connection.closed).toBeUndefined();
      await connection.close();
    });
    // The positive control for the tests of host keys below.
    expect(log).toMatch(attempted);
    await nothingIsOpen(before);
  });

  describe('host keys: no authentication is tried where the key is not accepted', () => {
    async function refused(knownHosts: string, input: Partial<SshInput> = {}): Promise<CopyError> {
      const file = dir.file('refusing');
      await writeFile(file, knownHosts);
      let error: CopyError | undefined;
      const log = await logged(async () => {
        const transport = transportTo(server, {
          input: { ...trusting({ ...server, knownHostsFile: file }), ...input },
        });
        error = await failureOf(transport.open(1, never));
      });
      expect(log).not.toMatch(attempted);
      expect(log).toMatch(/kex: host key algorithm/);
      if (error === undefined) throw new Error('no error');
      return error;
    }

    test('unknown', async () => {
      const error = await refused('');
      expect(error).toMatchObject({ code: 'host-key-unknown', exitCode: 6, scope: 'run' });
      expect(error.message).toMatch(/\[127\.0\.0\.1\]:\d+ is not known: ssh-ed25519 SHA256:/);
    });

    test('wrong', async () => {
      await makeKey(dir.file('other'), 'ed25519');
      const error = await refused(`# one\n[127.0.0.1]:${server.port} ${await publicKey(dir.file('other'))}\n`);
      expect(error).toMatchObject({ code: 'host-key-changed', exitCode: 6 });
      expect(error.message).toContain(`${dir.file('refusing')}:2`);
      expect(error.advice).toContain(`ssh-keygen -f ${dir.file('refusing')} -R '[127.0.0.1]:${server.port}'`);
    });

    test('revoked', async () => {
      const known = await readFile(server.knownHostsFile, 'utf8');
      const error = await refused(known + known.replace(/^/gm, '@revoked ').replace(/@revoked $/, ''));
      expect(error).toMatchObject({ code: 'host-key-revoked', exitCode: 6 });
    });

    test('not the pinned one', async () => {
      const error = await refused(await readFile(server.knownHostsFile, 'utf8'), {
        pinnedHostKeys: [`SHA256:${'A'.repeat(43)}`],
      });
      expect(error).toMatchObject({ code: 'host-key-changed', exitCode: 6 });
    });
  });

  test('takes the pinned key without known_hosts', async () => {
    const pin = (await runOk('ssh-keygen', ['-lf', `${server.dir}/host_ed25519.pub`])).stdout.split(' ')[1] ?? '';
    const input = { ...trusting(server, ['UserKnownHostsFile=none']), pinnedHostKeys: [pin] };
    const connection = await transportTo(server, { input }).open(1, never);
    await connection.close();
  });

  test('prefers the type of key that is known', async () => {
    const file = dir.file('rsa_only');
    const rsa = server.hostKeys.find((key) => key.startsWith('ssh-rsa'));
    await writeFile(file, `[127.0.0.1]:${server.port} ${rsa}\n`);
    const connection = await transportTo(server, { input: trusting({ ...server, knownHostsFile: file }) }).open(
      1,
      never,
    );
    await connection.close();
  });

  test('ten at once ask one question, and remember the answer', async () => {
    const file = dir.file('asked', 'known_hosts');
    const { questions, interaction } = asked({ trust: true });
    const transport = transportTo(server, { input: trusting({ ...server, knownHostsFile: file }), interaction });
    const connections = await Promise.all(Array.from({ length: 10 }, (_, index) => transport.open(index + 1, never)));
    expect(await Promise.all(connections.map(sftpVersion))).toEqual(Array(10).fill(3));
    await expectAnotherThreadLetIn(transport);
    await Promise.all(connections.map((connection) => connection.close()));
    expect(questions).toHaveLength(1);
    const again = transportTo(server, { input: trusting({ ...server, knownHostsFile: file }) });
    await (await again.open(1, never)).close();
  });

  test('ten at once fail together where the first is not let in', async () => {
    const transport = transportTo(server, { input: trusting(server, ['UserKnownHostsFile=none']) });
    const errors = await Promise.all(
      Array.from({ length: 10 }, (_, index) => failureOf(transport.open(index + 1, never))),
    );
    expect(new Set(errors.map((error) => error.code))).toEqual(new Set(['host-key-unknown']));
  });

  test('a wrong key: says what the server offers and what was tried', async () => {
    await makeKey(dir.file('stranger'), 'ed25519');
    const input = { ...trusting(server), identityFiles: [dir.file('stranger'), dir.file('missing')] };
    const error = await failureOf(transportTo(server, { input }).open(1, never));
    expect(error).toMatchObject({ code: 'authentication-failed', exitCode: 7 });
    expect(error.message).toContain('offers publickey');
    expect(error.message).toContain(dir.file('stranger'));
    expect(error.advice).toContain(`${dir.file('missing')}: does not exist`);
  });

  test('an encrypted key asks for its passphrase once for all connections', async () => {
    await runOk('cp', [server.identityFile, dir.file('locked')]);
    await runOk('ssh-keygen', ['-q', '-p', '-N', 'open sesame', '-f', dir.file('locked')]);
    const { questions, interaction } = asked({ secret: () => 'open sesame' });
    const transport = transportTo(server, {
      input: { ...trusting(server), identityFiles: [dir.file('locked')] },
      interaction,
    });
    const connections = await Promise.all([1, 2, 3].map((id) => transport.open(id, never)));
    await expectAnotherThreadLetIn(transport);
    await Promise.all(connections.map((connection) => connection.close()));
    expect(questions).toEqual([`Enter passphrase for key '${dir.file('locked')}': `]);
  });

  test('a passphrase is not asked for a key the server would not take', async () => {
    await runOk('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'open sesame', '-f', dir.file('locked_stranger')]);
    const { questions, interaction } = asked();
    const input = { ...trusting(server), identityFiles: [dir.file('locked_stranger')] };
    expect((await failureOf(transportTo(server, { input, interaction }).open(1, never))).code).toBe(
      'authentication-failed',
    );
    expect(questions).toEqual([]);
  });

  test('a key of the agent', async () => {
    const socket = dir.file('agent.sock');
    const agent = await startProcess('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
    onTestFinished(async () => void (await agent.stop()));
    await new Promise((resolve) => agent.child.stdout?.once('data', resolve));
    await makeKey(dir.file('other_in_agent'), 'rsa');
    const add = (file: string) => runOk('ssh-add', ['-q', file], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
    await add(dir.file('other_in_agent'));
    await add(server.identityFile);
    const input = { options: trusting(server).options ?? [] };
    const transport = transportTo(server, { input, variables: { SSH_AUTH_SOCK: socket } });
    const connections = await Promise.all([1, 2, 3].map((id) => transport.open(id, never)));
    await expectAnotherThreadLetIn(transport);
    await Promise.all(connections.map((connection) => connection.close()));
    const only = transportTo(server, {
      input: { ...trusting(server, ['IdentitiesOnly=yes']), identityFiles: [dir.file('other_in_agent')] },
      variables: { SSH_AUTH_SOCK: socket },
    });
    expect((await failureOf(only.open(1, never))).message).toMatch(/tried: agent key test\.$/);
  });

  test('nobody listening', async () => {
    const port = await freePort();
    const error = await failureOf(transportTo({ ...server, port }, { input: trusting(server) }).open(1, never));
    // Nothing tells that a server was ever there: most likely the port is wrong.
    expect(error).toMatchObject({ code: 'connection-failed', exitCode: 5, scope: 'connection', retry: false });
    await server.trustPort(port);
    const known = await failureOf(transportTo({ ...server, port }, { input: trusting(server) }).open(1, never));
    expect(known).toMatchObject({ code: 'connection-failed', retry: true });
    expect(error.message).toBe(`Cannot connect to 127.0.0.1:${port}: nothing listens there.`);
  });

  test('a host that does not exist', async () => {
    const transport = transportTo({ ...server, host: 'no-such-host.invalid' }, { input: trusting(server) });
    expect((await failureOf(transport.open(1, never))).code).toBe('connection-failed');
  });

  test('no algorithm in common', async () => {
    const transport = transportTo(server, { input: trusting(server, ['Ciphers=3des-cbc']) });
    const error = await failureOf(transport.open(1, never));
    expect(error).toMatchObject({ code: 'protocol', scope: 'run', retry: false });
    expect(error.message).toMatch(
      /no cipher in common: the server offers .*aes256-ctr.*, and this program 3des-cbc\.$/,
    );
    expect(error.advice).toContain('-o Ciphers=+aes128-gcm@openssh.com adds one');
  });

  test.each([
    ['KexAlgorithms sntrup761x25519-sha512@openssh.com', 'key exchange', 'This program has none of those'],
    ['KexAlgorithms diffie-hellman-group14-sha1', 'key exchange', '-o KexAlgorithms=+diffie-hellman-group14-sha1'],
    ['HostKeyAlgorithms ssh-rsa', 'host key algorithm', '-o HostKeyAlgorithms=+ssh-rsa'],
    ['Ciphers aes128-cbc', 'cipher', '-o Ciphers=+aes128-cbc'],
    ['MACs umac-64@openssh.com\nCiphers aes128-ctr', 'MAC', 'This program has none of those'],
  ])('a server with %s only: what is missing, and what can be done', async (config, what, advice) => {
    const other = await withSshd({ config: config.split('\n') });
    const error = await failureOf(transportTo(other, { input: trusting(other) }).open(1, never));
    const [keyword, names] = config.split('\n')[0]!.split(' ');
    expect(keyword).toBeDefined();
    expect(error.message).toContain(`no ${what} in common: the server offers ${names}, and this program`);
    expect(error.advice).toContain(advice);
  });

  test('a connection that the server kills', async () => {
    const connection = await transportTo(server, { input: trusting(server) }).open(1, never);
    await server.killSessions();
    expect(await connection.closed).toMatchObject({ code: 'connection-lost' });
    // What comes late must not throw.
    connection.sftp.write(Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 3]));
    connection.sftp.destroy();
    await connection.close();
  });

  test('rekeying asks nothing again and keeps the channel', async () => {
    const rekeying = await withSshd({ config: ['RekeyLimit 64K'] });
    const connection = await transportTo(rekeying, { input: trusting(rekeying) }).open(1, never);
    expect(await sftpVersion(connection)).toBe(3);
    // Realpath of a long path, there and back.
    for (let id = 0; id < 40; id++) {
      const path = Buffer.from(`.${'/.'.repeat(4000)}`);
      const packet = Buffer.alloc(4 + 1 + 4 + 4 + path.length);
      packet.writeUInt32BE(packet.length - 4, 0);
      packet[4] = 16;
      packet.writeUInt32BE(id, 5);
      packet.writeUInt32BE(path.length, 9);
      path.copy(packet, 13);
      const reply = new Promise<Buffer>((resolve) => connection.sftp.once('data', resolve));
      connection.sftp.write(packet);
      expect((await reply).readUInt32BE(5)).toBe(id);
    }
    await connection.close();
  });

  test('no sftp subsystem', async () => {
    const bare = await withSshd({ subsystem: '/nonexistent', config: ['Subsystem other /bin/true'] });
    const error = await failureOf(transportTo(bare, { input: trusting(bare) }).open(1, never));
    expect(error).toMatchObject({ code: 'subsystem-missing', exitCode: 8 });
  });

  test('MaxStartups: the text of the refusal is told', async () => {
    const small = await withSshd({ maxStartups: '1:100:1' });
    const sitter = await connectRaw(small.port);
    const error = await failureOf(transportTo(small, { input: trusting(small) }).open(1, never));
    sitter.destroy();
    expect(error).toMatchObject({ code: 'connection-refused', exitCode: 5, scope: 'connection', retry: true });
    expect(error.message).toMatch(/Exceeded MaxStartups|Not allowed at this time/);
  });

  test('a first that is refused leaves its place to another', async () => {
    const small = await withSshd({ maxStartups: '1:100:1' });
    const transport = transportTo(small, { input: trusting(small) });
    const sitter = await connectRaw(small.port);
    expect((await failureOf(transport.open(1, never))).code).toBe('connection-refused');
    sitter.destroy();
    const connection = await waitFor(() => transport.open(2, never).catch(() => undefined), { what: 'a free place' });
    await connection.close();
  });

  test('another thread that was told nothing yet asks nobody', async () => {
    const { questions, interaction } = asked({ trust: true });
    const transport = transportTo(server, { input: { identityFiles: [server.identityFile] }, interaction });
    const { spec } = transport;
    expect(spec.settled).toBeUndefined();
    const error = await failureOf(EmbeddedTransport.fromSpec(structuredClone(spec)).open(1, never));
    expect(error.code).toBe('host-key-unknown');
    expect(questions).toEqual([]);
  });

  test('another thread takes no other key than the one accepted', async () => {
    const transport = transportTo(server, { input: trusting(server) });
    await (await transport.open(1, never)).close();
    const other = await withSshd({});
    const spec = structuredClone(transport.spec);
    const moved = { ...spec, settings: { ...spec.settings, port: other.port } };
    expect((await failureOf(EmbeddedTransport.fromSpec(moved).open(2, never))).code).toBe('host-key-changed');
  });

  test.each(['ed25519', 'rsa'] as const)(
    'only the first connection asks whether a key of type %s is accepted',
    async (type) => {
      const talkative = await withSshd({ logLevel: 'VERBOSE' });
      const key = dir.file(`asked-${type}`);
      await makeKey(key, type);
      await writeFile(`${talkative.dir}/authorized_keys`, `${await publicKey(key)}\n`);
      const transport = transportTo(talkative, { input: { ...trusting(talkative), identityFiles: [key] } });
      const connections = await Promise.all([1, 2, 3].map((id) => transport.open(id, never)));
      await expectAnotherThreadLetIn(transport);
      await Promise.all(connections.map((connection) => connection.close()));
      const log = await talkative.log();
      expect(log.match(/Accepted publickey/g)).toHaveLength(5);
      expect(log.match(/Postponed publickey/g)).toHaveLength(1);
    },
  );

  test('two methods in a row, the first with an agent key', async () => {
    const strict = await withSshd({ config: ['AuthenticationMethods publickey,publickey'] });
    await makeKey(dir.file('second'), 'ed25519');
    const keys = `${await readFile(`${strict.dir}/authorized_keys`, 'utf8')}${await publicKey(dir.file('second'))}\n`;
    await writeFile(`${strict.dir}/authorized_keys`, keys);
    const input = { ...trusting(strict), identityFiles: [strict.identityFile, dir.file('second')] };
    const transport = transportTo(strict, { input });
    const connections = await Promise.all([1, 2].map((id) => transport.open(id, never)));
    await expectAnotherThreadLetIn(transport);
    await Promise.all(connections.map((connection) => connection.close()));
  });

  test.each(['at once', 'during the dial', 'while a person is asked', 'while waiting for the first'])(
    'an abort %s leaves nothing open',
    async (when) => {
      const before = openSockets();
      const controller = new AbortController();
      let questionAsked = () => {};
      const question = new Promise<void>((resolve) => {
        questionAsked = resolve;
      });
      const interaction: Interaction = {
        secret: async () => undefined,
        trustHostKey: () => {
          questionAsked();
          return new Promise(() => {});
        },
      };
      const transport = transportTo(server, { input: trusting(server, ['UserKnownHostsFile=none']), interaction });
      if (when === 'at once') controller.abort();
      const openings = [transport.open(1, controller.signal)];
      if (when === 'while waiting for the first') openings.push(transport.open(2, controller.signal));
      const failures = openings.map(failureOf);
      if (when === 'during the dial') setImmediate(() => controller.abort());
      if (when.startsWith('while')) void question.then(() => controller.abort());
      for (const failure of failures) expect((await failure).code).toBe('cancelled');
      await nothingIsOpen(before);
    },
  );
});

async function connectRaw(port: number): Promise<Socket> {
  const { connect } = await import('node:net');
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  // sshd has counted it when its identification is there.
  await new Promise((resolve) => socket.once('data', resolve));
  return socket;
}

describe('EmbeddedTransport with servers that misbehave', () => {
  async function fake(behave: (socket: Socket) => void): Promise<{ host: string; port: number; user: string }> {
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      behave(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return { host: '127.0.0.1', port: address.port, user: 'x' };
  }

  test('silence', async () => {
    const target = await fake(() => {});
    const error = await failureOf(transportTo(target, { input: { connectTimeoutMs: 200 } }).open(1, never));
    expect(error).toMatchObject({ code: 'connection-failed', retry: true });
    expect(error.message).toContain('did not answer within 0.2 s');
  });

  test('a reset', async () => {
    const target = await fake((socket) => socket.resetAndDestroy());
    const error = await failureOf(transportTo(target, {}).open(1, never));
    expect(['connection-refused', 'connection-failed']).toContain(error.code);
  });

  test('text with control characters', async () => {
    const target = await fake((socket) => socket.end('Go \u001b[31maway\r\n'));
    const error = await failureOf(transportTo(target, {}).open(1, never));
    expect(error.code).toBe('connection-refused');
    expect(error.message).toContain('Go \\x1b[31maway');
  });

  test('garbage after the identification', async () => {
    const target = await fake((socket) => socket.write(`SSH-2.0-x\r\n${'\xff'.repeat(200)}`));
    expect((await failureOf(transportTo(target, {}).open(1, never))).exitCode).toBeGreaterThan(0);
  });
});

describeWithServers(['proftpd'], 'EmbeddedTransport with proftpd', () => {
  test('opens with a password from the environment, ten times', async () => {
    const server = await startProftpd();
    onTestFinished(() => server.stop());
    const input = { ...trusting(server), identityFiles: [] };
    const transport = transportTo(server, { input, variables: { MT_COPY_PASSWORD: server.password } });
    const connections = await Promise.all(Array.from({ length: 10 }, (_, index) => transport.open(index + 1, never)));
    expect(connections[0]?.software).toMatch(/^mod_sftp/);
    expect(await Promise.all(connections.map(sftpVersion))).toEqual(Array(10).fill(3));
    await Promise.all(connections.map((connection) => connection.close()));
  });

  test('asks three times for a password, and no more', async () => {
    const server = await startProftpd();
    onTestFinished(() => server.stop());
    const { questions, interaction } = asked({ secret: () => 'wrong' });
    const input = { ...trusting(server), identityFiles: [] };
    const error = await failureOf(transportTo(server, { input, interaction }).open(1, never));
    expect(error.code).toBe('authentication-failed');
    expect(questions).toEqual(Array(3).fill("mt@127.0.0.1's password: "));
    expect(error.message).not.toContain('wrong');
  });

  test('MaxClientsPerUser: those who are too many are refused, the others work', async () => {
    const server = await startProftpd({ directives: ['MaxClientsPerUser 3'] });
    onTestFinished(() => server.stop());
    const transport = transportTo(server, { input: trusting(server) });
    const opened = [await transport.open(1, never), await transport.open(2, never), await transport.open(3, never)];
    // The server says why before it hangs up; what was written to it may fail before that was read.
    const refused = await failureOf(transport.open(4, never));
    expect(['connection-refused', 'connection-lost']).toContain(refused.code);
    expect(await Promise.all(opened.map(sftpVersion))).toEqual([3, 3, 3]);
    const racing = await Promise.all([5, 6, 7, 8].map((id) => failureOf(transport.open(id, never))));
    expect(new Set(racing.map((error) => error.scope))).toEqual(new Set(['connection']));
    await Promise.all(opened.map((connection) => connection.close()));
  });
});
