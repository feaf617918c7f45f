/** --ssh: the ssh program of the system makes the connections. */
import { chmod, copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { allDirections, type Direction } from '../support/directions.ts';
import { proftpdForTest, proxyForTest, sourceForTest, sshdForTest, tempDirForTest } from '../support/for-one-test.ts';
import { cleanEnvironment, mtgetPath, mtputPath } from '../support/mtput.ts';
import { freePort } from '../support/ports.ts';
import { type RunResult, run, runOk, startProcess } from '../support/process.ts';
import { descendantsOf, isAlive } from '../support/process-tree.ts';
import { sha256Of } from '../support/random-file.ts';
import { makeKey } from '../support/ssh-keys.ts';
import { hasTerminalProgram, shellWord, startAtTerminal } from '../support/terminal.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

const CONNECTIONS = 3;

interface SshLines {
  readonly port?: number;
  readonly identityFile?: string;
  readonly knownHosts?: string;
  readonly more?: readonly string[];
}

/** A file of ssh with one host, `nas`. Unlike our own reading, ssh itself does not look for files in HOME. */
async function configFor(server: TestServer, directory: string, lines: SshLines = {}): Promise<string> {
  const {
    port = server.port,
    identityFile = server.identityFile,
    knownHosts = server.knownHostsFile,
    more = [],
  } = lines;
  const file = join(directory, 'config');
  const all = [
    ...['Host nas', `HostName ${server.host}`, `Port ${port}`, `User ${server.user}`, `IdentityFile ${identityFile}`],
    ...['IdentitiesOnly yes', `UserKnownHostsFile ${knownHosts}`, 'GlobalKnownHostsFile none', ...more],
  ];
  await writeFile(file, `${all.join('\n')}\n`);
  return file;
}

function copyCommand(direction: Direction, home: string, options: readonly string[]): string[] {
  const local = join(home, direction === 'up' ? 'source' : 'copied');
  const paths = direction === 'up' ? [local, 'nas:copied'] : ['nas:source', local];
  const program = direction === 'up' ? mtputPath : mtgetPath;
  return [program, '-B', '-n', `${CONNECTIONS}`, '--ssh', ...options, ...paths];
}

function copy(direction: Direction, home: string, ...options: string[]): Promise<RunResult> {
  return run(process.execPath, copyCommand(direction, home, options), { env: cleanEnvironment(home) });
}

async function homeWithSource(): Promise<string> {
  const home = (await tempDirForTest()).path;
  await writeFile(join(home, 'source'), 'something');
  return home;
}

const ALL = (['sshd', 'proftpd'] as const).flatMap((kind) => allDirections.map((direction) => ({ kind, direction })));
const QUICK = ALL.filter(({ kind, direction }) => (kind === 'sshd') === (direction === 'up'));

describeWithServers(['sshd', 'proftpd'], "the system's ssh", () => {
  it.each(byTier(QUICK, ALL))('copies over several connections: $kind, $direction', async ({ kind, direction }) => {
    const server = await (kind === 'sshd' ? sshdForTest() : proftpdForTest());
    const proxy = await proxyForTest(server, {});
    const home = (await tempDirForTest()).path;
    const config = await configFor(server, home, { port: proxy.port });
    const source = await sourceForTest(20_000_000);
    await copyFile(source.path, join(direction === 'up' ? home : server.home, 'source'));
    const result = await copy(direction, home, '-F', config, '--json');
    expect(result).toMatchObject({ code: 0 });
    expect(await sha256Of(join(direction === 'up' ? server.home : home, 'copied'))).toBe(source.sha256);
    const events = result.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const opened = events.filter(({ type, state }) => type === 'connection' && state === 'open');
    expect(opened.length).toBe(CONNECTIONS);
    // Each has a TCP connection of its own; commands have more.
    expect((await proxy.stats()).accepted).toBeGreaterThanOrEqual(CONNECTIONS);
    // proftpd runs no commands, and hashes by itself.
    expect(events.at(-1)).toMatchObject({ type: 'result', verified: { byDigest: source.size } });
  });

  it('logs in with a user certificate, which nothing else here can', async () => {
    const keys = await tempDirForTest();
    await makeKey(keys.file('ca'), 'ed25519');
    await makeKey(keys.file('user'), 'ed25519');
    const server = await sshdForTest({
      config: ['AuthorizedKeysFile none', `TrustedUserCAKeys ${keys.file('ca.pub')}`],
    });
    await runOk('ssh-keygen', ['-q', '-s', keys.file('ca'), '-I', 'test', '-n', server.user, keys.file('user.pub')]);
    const home = await homeWithSource();
    const config = await configFor(server, home, { identityFile: keys.file('user') });
    expect(await copy('up', home, '-F', config)).toMatchObject({ code: 0 });
    expect(await readFile(join(server.home, 'copied'), 'utf8')).toBe('something');
  });
});

describeWithServers(['sshd'], "the system's ssh over jump hosts", () => {
  it.each(byTier([2], [1, 2]))('each connection has a TCP connection of its own on every hop: %i', async (hops) => {
    const server = await sshdForTest();
    const jumps = await Promise.all(Array.from({ length: hops }, () => sshdForTest()));
    const proxies = await Promise.all([...jumps, server].map((one) => proxyForTest(one, {})));
    const home = (await tempDirForTest()).path;
    const lines = jumps.flatMap((jump, index) => [
      ...[`Host jump${index}`, `HostName ${jump.host}`, `Port ${proxies[index]!.port}`, `User ${jump.user}`],
      ...[`IdentityFile ${jump.identityFile}`, `UserKnownHostsFile ${jump.knownHostsFile}`],
      // Nothing may be shared, whatever the user's files say.
      ...['ControlMaster auto', `ControlPath ${home}/control-%C`],
    ]);
    const more = [`ProxyJump ${jumps.map((_, index) => `jump${index}`).join(',')}`, ...lines];
    const config = await configFor(server, home, { port: proxies.at(-1)!.port, more });
    const source = await sourceForTest(20_000_000);
    await copyFile(source.path, join(home, 'source'));
    expect(await copy('up', home, '-F', config, '--digest-provider', 'none')).toMatchObject({ code: 0 });
    expect(await sha256Of(join(server.home, 'copied'))).toBe(source.sha256);
    const counts = await Promise.all(proxies.map(async (proxy) => (await proxy.stats()).accepted));
    expect(counts).toEqual(proxies.map(() => CONNECTIONS));
  });
});

describeWithServers(['sshd'], "the system's ssh behind a jump host that lets it in", () => {
  it.each(byTier(['key'] as const, ['key', 'host key'] as const))(
    'is refused for the %s of the server',
    async (what) => {
      const [server, jump, keys] = [await sshdForTest(), await sshdForTest(), await tempDirForTest()];
      await makeKey(keys.file('other'), 'ed25519');
      const home = await homeWithSource();
      const lines = ['Host jump', `HostName ${jump.host}`, `Port ${jump.port}`, `User ${jump.user}`];
      const more = [`ProxyJump jump`, ...lines, `IdentityFile ${jump.identityFile}`];
      const config = await configFor(server, home, {
        ...(what === 'key' ? { identityFile: keys.file('other') } : { knownHosts: 'none' }),
        more: [...more, `UserKnownHostsFile ${jump.knownHostsFile}`],
      });
      const result = await copy('up', home, '-F', config, '--retry-for', '2s');
      expect(result).toMatchObject({ code: what === 'key' ? 7 : 6 });
    },
  );

  it('is not reached where a host is on the way to itself', async () => {
    const server = await sshdForTest();
    const home = await homeWithSource();
    const config = await configFor(server, home, {
      more: ['ProxyJump jump', 'Host jump', 'ProxyJump other', 'Host other', 'ProxyJump jump'],
    });
    const result = await copy('up', home, '-F', config);
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('hosts are on the way') });
  });

  it('verifies by what is left where the server runs no commands', async () => {
    const server = await sshdForTest({ forceSftp: true });
    const home = (await tempDirForTest()).path;
    const config = await configFor(server, home);
    const source = await sourceForTest(12_000_000);
    await copyFile(source.path, join(home, 'source'));
    const result = await copy('up', home, '-F', config);
    expect(result).toMatchObject({ code: 0, stderr: expect.stringMatching(/verified by size/) });
    expect(result.stderr).not.toMatch(/connection .* was lost/i);
    expect(await copy('up', home, '-F', config, '--force', '--verify', 'hash')).toMatchObject({ code: 9 });
  });
});

describeWithServers(['proftpd'], "the system's ssh at a terminal", () => {
  it.skipIf(!hasTerminalProgram).each([
    ['asks once, and opens one connection', [], 1],
    ['asks for each connection where a number of them is asked for', ['-n', '2'], 2],
  ] as const)('%s', async (_, options, questions) => {
    const server = await proftpdForTest();
    const home = (await tempDirForTest()).path;
    const lines = { identityFile: 'none', more: ['PreferredAuthentications password'] };
    const config = await configFor(server, home, lines);
    const source = await sourceForTest(20_000_000);
    const words = [
      process.execPath,
      mtputPath,
      '--ssh',
      '-F',
      config,
      ...options,
      '--limit',
      '4M',
      source.path,
      'nas:copied',
    ];
    const terminal = await startAtTerminal(words.map(shellWord).join(' '), cleanEnvironment(home));
    let shown = '';
    terminal.child.stdout?.on('data', (chunk) => {
      shown += chunk;
    });
    const asked = (): number => shown.split(/password: ?/).length - 1;
    for (let answered = 0; answered < questions; answered++) {
      await waitFor(() => asked() > answered, { what: 'a question', timeoutMs: 20_000 });
      terminal.child.stdin?.write(`${server.password}\n`);
    }
    expect(await terminal.exited).toMatchObject({ code: 0 });
    expect(await sha256Of(join(server.home, 'copied'))).toBe(source.sha256);
    expect(asked()).toBe(questions);
    expect(shown.includes('ssh would ask again')).toBe(questions === 1);
    expect(shown).not.toContain(server.password);
  });
});

describeWithServers(['sshd'], "the system's ssh, where it does not get in", () => {
  const cases: readonly {
    readonly what: string;
    readonly code: number;
    readonly says: RegExp;
    readonly options?: readonly string[];
    readonly lines?: (server: TestServer) => Promise<SshLines> | SshLines;
  }[] = [
    {
      what: 'an unknown host key',
      code: 6,
      says: /Host key verification failed.*Log in once with ssh/s,
      lines: () => ({ knownHosts: 'none' }),
    },
    {
      what: 'another host key',
      code: 6,
      says: /HOST IDENTIFICATION HAS CHANGED|Host key verification failed/,
      lines: async (server) => {
        const keys = await tempDirForTest();
        await makeKey(keys.file('other'), 'ed25519');
        const [type, base64] = (await readFile(keys.file('other.pub'), 'utf8')).split(' ');
        await writeFile(keys.file('known'), `[${server.host}]:${server.port} ${type} ${base64}\n`);
        return { knownHosts: keys.file('known') };
      },
    },
    {
      what: 'a key that the server does not know',
      code: 7,
      says: /Permission denied/,
      lines: async () => {
        const keys = await tempDirForTest();
        await makeKey(keys.file('other'), 'ed25519');
        return { identityFile: keys.file('other') };
      },
    },
    {
      what: 'a port at which nothing listens',
      code: 5,
      says: /Connection refused/,
      lines: async () => ({ port: await freePort() }),
    },
    {
      what: 'an option that ssh does not know',
      code: 2,
      says: /refuses its settings.*nosuch/is,
      options: ['-o', 'NoSuch=1'],
    },
    { what: 'a pinned key', code: 2, says: /--pin-host-key/, options: ['--pin-host-key', `SHA256:${'A'.repeat(43)}`] },
    {
      what: 'no such program',
      code: 2,
      says: /no program \/nowhere\/ssh/,
      options: ['--ssh-command', '/nowhere/ssh -v'],
    },
    {
      what: 'a user that begins with -',
      code: 2,
      says: /is not a name|username contains invalid/,
      options: ['-o', 'User=-x'],
    },
    {
      what: 'no algorithm in common',
      code: 8,
      says: /no matching cipher/i,
      options: ['-o', 'Ciphers=3des-cbc'],
    },
  ];

  // In the quick tier one of each kind, because what ssh says is tried in unit tests.
  const quick = cases.filter(({ what }) => /unknown host key|does not know|nothing listens|no such program/.test(what));
  it.each(byTier(quick, cases))('$what: $code', async ({ code, says, options = [], lines }) => {
    const server = await sshdForTest();
    const home = await homeWithSource();
    const config = await configFor(server, home, await lines?.(server));
    const result = await copy('up', home, '-F', config, '--retry-for', '2s', ...options);
    expect(result).toMatchObject({ code, stderr: expect.stringMatching(says) });
    expect(result.stderr).not.toMatch(/debug1/);
  });

  it('no sftp subsystem: 8', async () => {
    const server = await sshdForTest({ config: ['Subsystem other /bin/true'] });
    const home = await homeWithSource();
    const result = await copy('up', home, '-F', await configFor(server, home));
    expect(result).toMatchObject({ code: 8, stderr: expect.stringMatching(/subsystem/) });
  });

  it('a server whose sftp program is missing: 8, with what it said', async () => {
    const server = await sshdForTest({ subsystem: '/nowhere/sftp-server' });
    const home = await homeWithSource();
    const result = await copy('up', home, '-F', await configFor(server, home));
    expect(result).toMatchObject({
      code: 8,
      stderr: expect.stringMatching(/ended with status 127.*missing on the server/s),
    });
  });
});

/** A file that is sent long enough for something to happen meanwhile. */
async function slowScene() {
  const server = await sshdForTest();
  const proxy = await proxyForTest(server, { bytesPerSecond: 2_000_000 });
  const home = (await tempDirForTest()).path;
  const config = await configFor(server, home, { port: proxy.port });
  const source = await sourceForTest(30_000_000);
  await copyFile(source.path, join(home, 'source'));
  return { server, proxy, home, config, source };
}

describeWithServers(['sshd'], "the system's ssh as a program", () => {
  it('may be another one, with arguments of its own, and gets no secret', async () => {
    const server = await sshdForTest();
    const home = await homeWithSource();
    const config = await configFor(server, home);
    const wrapper = join(home, 'my ssh');
    const seen = join(home, 'seen');
    await writeFile(
      wrapper,
      `#!/bin/sh\necho "$MT_COPY_PASSWORD$MT_COPY_PASSPHRASE $1" >> '${seen}'\nshift\nexec ssh "$@"\n`,
    );
    await chmod(wrapper, 0o755);
    const args = copyCommand('up', home, ['--ssh-command', `"${wrapper}" first`, '-F', config]);
    const secrets = { MT_COPY_PASSWORD: 'secret', MT_COPY_PASSPHRASE: 'secret' };
    const result = await run(process.execPath, args, { env: { ...cleanEnvironment(home), ...secrets } });
    expect(result).toMatchObject({ code: 0 });
    const lines = (await readFile(seen, 'utf8')).trimEnd().split('\n');
    expect(new Set(lines)).toEqual(new Set([' first']));
  });

  it('prints its own settings with -G', async () => {
    const server = await sshdForTest();
    const home = await homeWithSource();
    const config = await configFor(server, home);
    const shown = await run(process.execPath, [mtputPath, '-G', '--ssh', '-F', config, 'nas:']);
    const { stdout } = await runOk('ssh', ['-G', '-F', config, 'nas']);
    expect(shown).toMatchObject({ code: 0, stdout });
  });

  it.each(
    byTier(
      [['killed', 'SIGKILL', null] as const],
      [['interrupted', 'SIGINT', 130] as const, ['killed', 'SIGKILL', null] as const],
    ),
  )('leaves nothing behind when the run is %s, and continues', async (_, signal, code) => {
    const { server, proxy, home, config, source } = await slowScene();
    const args = copyCommand('up', home, ['-F', config]);
    const first = await startProcess(process.execPath, args, { env: cleanEnvironment(home), stdio: 'ignore' });
    await waitFor(async () => (await proxy.stats()).bytesUp > 12_000_000, { what: 'data to be sent' });
    const children = descendantsOf(first.pid);
    expect(children.length).toBeGreaterThanOrEqual(CONNECTIONS);
    expect(await first.stop(signal, 10_000)).toMatchObject(code === null ? { signal } : { code });
    await waitFor(async () => !children.some(isAlive), { what: 'the ssh programs to end' });
    const before = (await proxy.stats()).bytesUp;
    expect(await copy('up', home, '-F', config)).toMatchObject({ code: 0 });
    expect(await sha256Of(join(server.home, 'copied'))).toBe(source.sha256);
    expect((await proxy.stats()).bytesUp - before).toBeLessThan(source.size);
  });

  it('goes on when a connection is lost', async () => {
    const { server, proxy, home, config, source } = await slowScene();
    const running = copy('up', home, '-F', config);
    await waitFor(async () => (await proxy.stats()).bytesUp > 6_000_000, { what: 'data to be sent' });
    await proxy.reset('random');
    expect(await running).toMatchObject({ code: 0 });
    expect(await sha256Of(join(server.home, 'copied'))).toBe(source.sha256);
  });
});
