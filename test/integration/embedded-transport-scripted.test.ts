/** What real servers rarely do: answered by ssh2's own server. */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import ssh2, { type AuthContext, type Connection, type ServerChannel, type Session } from 'ssh2';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CopyError } from '../../src/errors.ts';
import { SftpRemote } from '../../src/remotes/sftp/sftp-remote.ts';
import { EmbeddedTransport } from '../../src/remotes/sftp/ssh/embedded-transport.ts';
import { resolveSshOptions } from '../../src/remotes/sftp/ssh/resolve-options.ts';
import type { SshConnection } from '../../src/remotes/sftp/ssh/ssh-connection.ts';
import { deferred } from '../../src/util/deferred.ts';
import { makeSsh2Key } from '../support/ssh2-key.ts';

const never = new AbortController().signal;
const hostKey = () => makeSsh2Key().private;

/** SFTP version 3, without extensions. */
const VERSION = Buffer.from([0, 0, 0, 5, 2, 0, 0, 0, 3]);

interface Script {
  readonly authenticate: (context: AuthContext) => void;
  readonly channel?: (channel: ServerChannel) => void;
  readonly session?: (session: Session) => void;
  /** No channel is opened before. */
  readonly beforeChannels?: Promise<void>;
  /** One for each connection, the last for the rest. */
  readonly hostKeys?: readonly string[];
  /** The largest packet that is taken on a channel. */
  readonly maxPacket?: number;
}

/** ssh2's server always says 32 KiB. */
function sayMaxPacket(client: Connection, maxPacket: number): void {
  const protocol: object = Reflect.get(client, '_protocol');
  const confirm: (...values: number[]) => void = Reflect.get(protocol, 'channelOpenConfirm');
  Reflect.set(protocol, 'channelOpenConfirm', (remote: number, local: number, window: number) =>
    confirm.call(protocol, remote, local, window, maxPacket),
  );
}

/** Listens and gives the sockets of clients to an SSH server with the script. */
async function scripted(script: Script): Promise<{ port: number; sockets: Socket[] }> {
  const { createServer } = await import('node:net');
  const keys = script.hostKeys ?? [hostKey()];
  const sockets: Socket[] = [];
  const listener = createServer((socket) => {
    const key = keys[Math.min(sockets.length, keys.length - 1)] ?? '';
    sockets.push(socket);
    const server = new ssh2.Server({ hostKeys: [key] }, (client) => {
      client.on('error', () => {});
      if (script.maxPacket !== undefined) sayMaxPacket(client, script.maxPacket);
      client.on('authentication', script.authenticate);
      client.on('session', async (accept) => {
        await script.beforeChannels;
        const session = accept();
        script.session?.(session);
        session.on('subsystem', (acceptSubsystem) => {
          const channel = acceptSubsystem();
          channel.on('error', () => {});
          script.channel?.(channel);
        });
      });
    });
    server.injectSocket(socket);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => listener.close(resolve));
  });
  return { port: (listener.address() as AddressInfo).port, sockets };
}

function transport(
  port: number,
  variables: Record<string, string>,
  answers: string[] = [],
  options: string[] = [],
  connectTimeoutMs = 5000,
) {
  const environment = { home: '/nonexistent', user: 'me', variables };
  const files = ['UserKnownHostsFile=none', 'GlobalKnownHostsFile=none', 'StrictHostKeyChecking=accept-new'];
  const input = {
    host: '127.0.0.1',
    port,
    connectTimeoutMs,
    stallTimeoutMs: 3000,
    options: [...options, ...files],
  };
  const prompts: string[] = [];
  const interaction = {
    secret: async (prompt: string, problem?: string) => {
      prompts.push(problem === undefined ? prompt : `${problem} ${prompt}`);
      return answers[prompts.length - 1];
    },
    trustHostKey: async () => false,
  };
  const settings = resolveSshOptions(input, environment);
  return { prompts, transport: new EmbeddedTransport({ settings, environment, interaction }) };
}

async function failureOf(opening: Promise<SshConnection>): Promise<CopyError> {
  const result = await opening.catch((error: unknown) => error);
  if (!(result instanceof CopyError)) throw new Error('not refused');
  return result;
}

/** Asks again and again: after each answer, or every 50 ms without waiting for one. `how` is told who asks. */
function askingForEver(how: 'when answered' | 'all the time', answered: () => void): (context: AuthContext) => void {
  return (context) => {
    if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
    const ask = (): void =>
      context.prompt([{ prompt: 'Code: ', echo: true }], () => {
        answered();
        if (how === 'when answered') ask();
      });
    ask();
    if (how === 'when answered') return;
    const asking = setInterval(ask, 50);
    onTestFinished(() => clearInterval(asking));
  };
}

/** Asks one hidden question, and takes `right`; tells what else it saw. */
function asking(right: string, seen: string[]): (context: AuthContext) => void {
  return (context) => {
    if (context.method !== 'keyboard-interactive') {
      seen.push(context.method);
      return context.reject(['keyboard-interactive']);
    }
    context.prompt([{ prompt: 'Pass\u001bword: ', echo: false }], 'Title', (answers) => {
      seen.push(answers.join());
      if (answers[0] === right) context.accept();
      else context.reject(['keyboard-interactive']);
    });
  };
}

describe('EmbeddedTransport', () => {
  test('keyboard-interactive: asks until it is right, the others show what was', async () => {
    const seen: string[] = [];
    const { port } = await scripted({ authenticate: asking('right', seen) });
    const { transport: ssh, prompts } = transport(port, {}, ['wrong', 'right']);
    const connections = await Promise.all([1, 2, 3].map((id) => ssh.open(id, never)));
    const question = '(me@127.0.0.1) Title: Pass\\x1bword: ';
    expect(prompts).toEqual([question, `The server did not accept the answer. ${question}`]);
    expect(seen).toEqual(['none', 'wrong', 'right', 'right', 'right']);
    await Promise.all(connections.map((connection) => connection.close()));
  });

  describe.each(['keyboard-interactive', 'password'] as const)('a code that is good once, by %s', (method) => {
    /** Takes each of `codes` once; tells what was shown. */
    const once = (codes: string[], shown: string[]) => (context: AuthContext) => {
      const judge = (code: string): void => {
        shown.push(code);
        if (codes[0] === code) codes.shift();
        else return context.reject([method]);
        context.accept();
      };
      if (context.method === 'password' && method === 'password') return judge(context.password);
      if (context.method !== 'keyboard-interactive' || method === 'password') return context.reject([method]);
      context.prompt([{ prompt: 'Code: ', echo: false }], (answers) => judge(answers[0] ?? ''));
    };

    test('is shown again by one connection of nine, and by none that comes later', async () => {
      const shown: string[] = [];
      const { port, sockets } = await scripted({ authenticate: once(['1234'], shown) });
      const { transport: ssh, prompts } = transport(port, {}, ['1234', '5678']);
      const [first, ...others] = await Promise.allSettled(
        Array.from({ length: 10 }, (_, index) => ssh.open(index, never)),
      );
      expect(first).toMatchObject({ status: 'fulfilled' });
      for (const other of others) {
        expect(other).toMatchObject({ reason: { code: 'credential-not-reusable', scope: 'connection', retry: false } });
      }
      expect(shown).toEqual(['1234', '1234']);
      await expect(ssh.open(11, never)).rejects.toMatchObject({ code: 'credential-not-reusable' });
      expect([shown.length, sockets.length, prompts.length]).toEqual([2, 10, 1]);
      await (first as PromiseFulfilledResult<SshConnection>).value.close();
    });

    test('when no connection is left, the person is asked for another one', async () => {
      const shown: string[] = [];
      const { port } = await scripted({ authenticate: once(['1234', '5678'], shown) });
      const { transport: ssh, prompts } = transport(port, {}, ['1234', '5678']);
      await (await ssh.open(1, never)).close();
      const results = await Promise.allSettled([ssh.open(1, never), ssh.open(2, never), ssh.open(3, never)]);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(shown).toEqual(['1234', '1234', '5678']);
      expect(prompts).toHaveLength(2);
      for (const result of results) if (result.status === 'fulfilled') await result.value.close();
    });

    test('when no connection is left and nobody answers, the login has failed', async () => {
      const shown: string[] = [];
      const { port } = await scripted({ authenticate: once(['1234'], shown) });
      const { transport: ssh } = transport(port, {}, ['1234']);
      await (await ssh.open(1, never)).close();
      expect(await failureOf(ssh.open(1, never))).toMatchObject({ code: 'authentication-failed', scope: 'run' });
    });
  });

  test('answers that are good every time are asked for once, and let ten in', async () => {
    const seen: string[] = [];
    const { port } = await scripted({ authenticate: asking('right', seen) });
    const { transport: ssh, prompts } = transport(port, {}, ['right']);
    const connections = await Promise.all(Array.from({ length: 10 }, (_, index) => ssh.open(index, never)));
    expect(prompts).toHaveLength(1);
    expect(seen.filter((what) => what === 'right')).toHaveLength(10);
    await Promise.all(connections.map((connection) => connection.close()));
  });

  test('a server that hangs up on a code instead of refusing it gets it twice', async () => {
    const shown: string[] = [];
    const { port, sockets } = await scripted({
      authenticate: (context) => {
        if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
        context.prompt([{ prompt: 'Code: ', echo: false }], (answers) => {
          shown.push(answers[0] ?? '');
          if (shown.length === 1) context.accept();
          else sockets.at(-1)?.destroy();
        });
      },
    });
    const { transport: ssh } = transport(port, {}, ['1234']);
    const connection = await ssh.open(1, never);
    expect(await failureOf(ssh.open(2, never))).toMatchObject({ code: 'authentication-lost', retry: true });
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(await failureOf(ssh.open(2, never))).toMatchObject({ code: 'credential-not-reusable' });
    }
    expect(shown).toEqual(['1234', '1234', '1234']);
    await connection.close();
  });

  test('after a wrong password it is said so, also after that of the environment', async () => {
    const { port } = await scripted({
      authenticate: (context) => {
        if (context.method === 'password' && context.password === 'right') context.accept();
        else context.reject(['password']);
      },
    });
    const { transport: ssh, prompts } = transport(port, { MT_COPY_PASSWORD: 'old' }, ['wrong', 'right']);
    await (await ssh.open(1, never)).close();
    expect(prompts).toEqual(Array(2).fill("The server did not accept the password. me@127.0.0.1's password: "));
  });

  test('the password of the environment is shown once, by one method', async () => {
    const seen: string[] = [];
    const { port } = await scripted({
      authenticate: (context) => {
        seen.push(context.method);
        if (context.method === 'keyboard-interactive') {
          context.prompt([{ prompt: 'Password: ', echo: false }], () =>
            context.reject(['keyboard-interactive', 'password']),
          );
        } else context.reject(['keyboard-interactive', 'password']);
      },
    });
    const { transport: ssh } = transport(port, { MT_COPY_PASSWORD: 'secret' }, [], ['BatchMode=yes']);
    const error = await failureOf(ssh.open(1, never));
    expect(seen).toEqual(['none', 'keyboard-interactive']);
    expect(error.code).toBe('authentication-failed');
    expect(error.message).not.toContain('secret');
  });

  test.each(['when answered', 'all the time'] as const)('a server that asks for ever, %s, is left', async (how) => {
    let answered = 0;
    const { port } = await scripted({ authenticate: askingForEver(how, () => answered++) });
    const { transport: ssh } = transport(port, {}, Array(100).fill('1234'), [], 700);
    expect(await failureOf(ssh.open(1, never))).toMatchObject({ code: 'authentication-lost' });
    expect(answered).toBeLessThanOrEqual(10);
  });

  test.each(['when answered', 'all the time'] as const)(
    'a server that lets one in and asks the next for ever, %s, is left by that one',
    async (how) => {
      let answered = 0;
      let first = true;
      const forEver = askingForEver(how, () => answered++);
      const authenticate = (context: AuthContext): void => {
        if (!first) return forEver(context);
        if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
        first = false;
        context.prompt([{ prompt: 'Code: ', echo: true }], () => context.accept());
      };
      const { port } = await scripted({ authenticate });
      const { transport: ssh } = transport(port, {}, Array(100).fill('1234'), [], 700);
      const connection = await ssh.open(1, never);
      expect(await failureOf(ssh.open(2, never))).toMatchObject({ code: 'authentication-lost' });
      expect(answered).toBeLessThanOrEqual(10);
      await connection.close();
    },
  );

  test.each([0, 511])('a server that takes packets of no more than %i bytes is refused', async (maxPacket) => {
    const { port } = await scripted({ authenticate: (context) => context.accept(), maxPacket });
    expect(await failureOf(transport(port, {}).transport.open(1, never))).toMatchObject({
      code: 'protocol',
      exitCode: 8,
    });
  });

  test('a server that takes small packets is not', async () => {
    const { port } = await scripted({ authenticate: (context) => context.accept(), maxPacket: 512 });
    const connection = await transport(port, {}).transport.open(1, never);
    await connection.close();
  });

  test('no method but none', async () => {
    const { port } = await scripted({ authenticate: (context) => context.accept() });
    const connection = await transport(port, {}).transport.open(1, never);
    await connection.close();
  });

  test('what is refused to a later connection does not end the run', async () => {
    let first = true;
    const { port } = await scripted({
      authenticate: (context) => {
        if (context.method !== 'password' || !first) return context.reject(['password']);
        first = false;
        context.accept();
      },
    });
    const { transport: ssh } = transport(port, { MT_COPY_PASSWORD: 'secret' });
    const connection = await ssh.open(1, never);
    expect(await failureOf(ssh.open(2, never))).toMatchObject({
      code: 'credential-not-reusable',
      scope: 'connection',
      retry: false,
    });
    await connection.close();
  });

  test('another host key on a later connection is refused before any secret', async () => {
    const seen: string[] = [];
    const { port } = await scripted({
      hostKeys: [hostKey(), hostKey()],
      authenticate: (context) => {
        seen.push(context.method);
        if (context.method === 'password') context.accept();
        else context.reject(['password']);
      },
    });
    const { transport: ssh } = transport(port, { MT_COPY_PASSWORD: 'secret' });
    const connection = await ssh.open(1, never);
    expect(await failureOf(ssh.open(2, never))).toMatchObject({
      code: 'host-key-changed',
      scope: 'connection',
      retry: false,
    });
    expect(seen).toEqual(['none', 'password']);
    await connection.close();
  });

  test('the sftp subsystem ends: with its status and its last words', async () => {
    const { port } = await scripted({
      authenticate: (context) => context.accept(),
      channel: (channel) => {
        channel.stderr.write('out of \u001bmemory\n');
        channel.exit(3);
        channel.end();
      },
    });
    const connection = await transport(port, {}).transport.open(1, never);
    connection.sftp.resume();
    const reason = await connection.closed;
    expect(reason).toMatchObject({ code: 'connection-lost' });
    expect(reason?.message).toContain('ended with status 3: out of \\x1bmemory');
    await connection.close();
  });

  test.each([
    ['error output', [], ['sftp-server: \u001bnot found\n'], 127, 'sftp-server: \\x1bnot found'],
    ['output in two parts', ['No ', 'SFTP\n'], [], 1, 'No SFTP'],
    ['both', ['Hello\n'], ['Bye\n'], 0, 'Hello Bye'],
  ] as const)('the program ends before SFTP begins: %s', async (_name, output, errors, status, said) => {
    const { port } = await scripted({
      authenticate: (context) => context.accept(),
      channel: (channel) => {
        for (const text of output) channel.write(text);
        for (const text of errors) channel.stderr.write(text);
        channel.exit(status);
        channel.end();
      },
    });
    const remote = new SftpRemote(transport(port, {}).transport, { stallTimeoutMs: 10_000, inFlight: 'auto' });
    const error = await remote.connect(1, never, () => {}).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'subsystem-missing', exitCode: 8, scope: 'run', retry: false });
    expect((error as CopyError).message).toBe(
      `The sftp program of the server ended with status ${status} before SFTP began; it said: ${said}.`,
    );
  });

  test('what begins no SFTP later, though it did before, is refused and tried again', async () => {
    let channels = 0;
    const { port } = await scripted({
      authenticate: (context) => context.accept(),
      channel: (channel) => {
        if (++channels === 1) return void channel.write(VERSION);
        channel.write('The system is going down\n');
        channel.exit(1);
        channel.end();
      },
    });
    const remote = new SftpRemote(transport(port, {}).transport, { stallTimeoutMs: 10_000, inFlight: 'auto' });
    const connection = await remote.connect(1, never, () => {});
    const error = await remote.connect(2, never, () => {}).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'connection-refused', scope: 'connection', retry: true });
    expect((error as CopyError).message).toContain('it said: The system is going down.');
    await connection.close();
  });

  test('a line that is cut before SFTP begins is a line that is cut', async () => {
    const { port, sockets } = await scripted({
      authenticate: (context) => context.accept(),
      channel: () => sockets[0]!.resetAndDestroy(),
    });
    const remote = new SftpRemote(transport(port, {}).transport, { stallTimeoutMs: 10_000, inFlight: 'auto' });
    const error = await remote.connect(1, never, () => {}).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'connection-lost', scope: 'connection', retry: true });
  });

  test('close on a silent server', async () => {
    const { port, sockets } = await scripted({ authenticate: (context) => context.accept() });
    const connection = await transport(port, {}).transport.open(1, never);
    for (const socket of sockets) socket.pause();
    const begin = performance.now();
    await connection.close();
    expect(performance.now() - begin).toBeLessThan(2500);
    expect(await connection.closed).toBeUndefined();
  });

  test('what may be used again is sent by the others before the first connection has its channel', async () => {
    const allIn = deferred<void>();
    let accepted = 0;
    const { port } = await scripted({
      authenticate: (context) => {
        context.accept();
        if (++accepted === 3) allIn.resolve();
      },
      beforeChannels: allIn.promise,
    });
    const { transport: one } = transport(port, {});
    const opened = await Promise.all([1, 2, 3].map((id) => one.open(id, never, () => {})));
    expect(accepted).toBe(3);
    await Promise.all(opened.map((connection) => connection.close()));
  });

  test('connections at once, the first lost in the middle: another takes its place', async () => {
    let asks = 0;
    const { port, sockets } = await scripted({
      authenticate: (context) => {
        asks++;
        if (asks === 1) sockets[0]?.destroy();
        else if (context.method === 'password') context.accept();
        else context.reject(['password']);
      },
    });
    const { transport: ssh } = transport(port, { MT_COPY_PASSWORD: 'secret' });
    const results = await Promise.allSettled([1, 2, 3].map((id) => ssh.open(id, never)));
    const opened = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const lost = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(opened).toHaveLength(2);
    expect(lost).toEqual([expect.objectContaining({ code: 'authentication-lost', retry: true })]);
    await Promise.all(opened.map((connection) => connection.close()));
  });

  test('a command that is closed: the server is asked to kill it', async () => {
    const asked: string[] = [];
    const { port } = await scripted({
      authenticate: (context) => context.accept(),
      session: (session) => {
        session.on('exec', (accept, _reject, { command }) => {
          const channel = accept();
          channel.on('error', () => {});
          channel.on('close', () => asked.push(`${command} closed`)).resume();
        });
        session.on('signal', (_accept, _reject, { name }) => asked.push(String(name)));
      },
    });
    const connection = await transport(port, {}).transport.open(1, never);
    const channel = await connection.exec('command');
    channel.close();
    expect(await channel.exited).toBeUndefined();
    expect(asked).toEqual(['KILL', 'command closed']);
    await connection.close();
  });
});
