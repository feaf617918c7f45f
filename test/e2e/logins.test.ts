/** Every way to log in, over every way to the server. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { proftpdForTest, proxyForTest, sshdForTest, tempDirForTest } from '../support/for-one-test.ts';
import { cleanEnvironment, mtgetPath, mtputPath } from '../support/mtput.ts';
import { ownSshServer } from '../support/own-ssh-server.ts';
import { type RunResult, run, runOk, startProcess } from '../support/process.ts';
import { type HostKeyType, makeKey, publicKey } from '../support/ssh-keys.ts';
import type { TempDir } from '../support/temp-dir.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';
import { PPK_CASES } from '../unit/remotes/sftp/ssh/ppk-cases.ts';

const CONNECTIONS = 3;
const WAY_BACK = byTier(0, 1);
const PIECES = 3 * 64 * 1024;

/** A server, and lines of ssh and variables with which it lets the user in. */
interface Login {
  readonly host: string;
  readonly port: number;
  readonly home: string;
  readonly lines: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
}

async function keyed(dir: TempDir, place: (path: string) => Promise<string>): Promise<Login> {
  const server = await sshdForTest({ config: [`AuthorizedKeysFile ${dir.file('authorized')}`] });
  await writeFile(dir.file('authorized'), `${await place(dir.file('key'))}\n`, { mode: 0o600 });
  return { ...loginTo(server), lines: [...linesOf(server), `IdentityFile ${dir.file('key')}`] };
}

function linesOf({ user, knownHostsFile }: TestServer): string[] {
  return [`User ${user}`, `UserKnownHostsFile ${knownHostsFile}`];
}

function loginTo({ host, port, home }: TestServer): Pick<Login, 'host' | 'port' | 'home'> {
  return { host, port, home };
}

function keyOf(type: HostKeyType, passphrase = '') {
  return (dir: TempDir): Promise<Login> =>
    keyed(dir, async (path) => {
      await makeKey(path, type);
      if (passphrase !== '') await runOk('ssh-keygen', ['-q', '-p', '-f', path, '-P', '', '-N', passphrase]);
      return publicKey(path);
    });
}

function puttyKey(what: string) {
  return (dir: TempDir): Promise<Login> =>
    keyed(dir, async (path) => {
      const { ppk, publicKey: line } = PPK_CASES.find((one) => one.what === what)!;
      await writeFile(path, ppk, { mode: 0o600 });
      return line;
    });
}

function withPassphrase(login: (dir: TempDir) => Promise<Login>) {
  return async (dir: TempDir): Promise<Login> => ({
    ...(await login(dir)),
    variables: { MT_COPY_PASSPHRASE: 'right' },
  });
}

/** Only the agent has the key. */
async function agentKey(dir: TempDir): Promise<Login> {
  const login = await keyOf('ed25519')(dir);
  const socket = dir.file('agent');
  const agent = await startProcess('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  onTestFinished(async () => void (await agent.stop()));
  const env = { ...process.env, SSH_AUTH_SOCK: socket };
  await waitFor(async () => (await run('ssh-add', ['-q', dir.file('key')], { env })).code === 0, { what: 'the agent' });
  const lines = login.lines.filter((line) => !line.startsWith('IdentityFile'));
  return { ...login, lines: [...lines, 'IdentityFile none'], variables: { SSH_AUTH_SOCK: socket } };
}

async function password(): Promise<Login> {
  const server = await proftpdForTest();
  const lines = [...linesOf(server), 'PreferredAuthentications password'];
  return { ...loginTo(server), lines, variables: { MT_COPY_PASSWORD: server.password } };
}

/** Answers by the text of the question. */
async function askPass(dir: TempDir, answers: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const program = dir.file('askpass');
  const cases = Object.entries(answers).map(([prompt, answer]) => `*${prompt}*) echo '${answer}' ;;`);
  await writeFile(program, `#!/bin/sh\ncase "$1" in ${cases.join(' ')} esac\n`);
  await chmod(program, 0o755);
  return { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force' };
}

async function twoQuestions(dir: TempDir): Promise<Login> {
  await mkdir(dir.file('home'));
  const { port, hostKey } = await ownSshServer({
    home: dir.file('home'),
    judge: () => (context) => {
      if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
      const prompts = [
        { prompt: 'Name of the cat: ', echo: true },
        { prompt: 'Colour: ', echo: false },
      ];
      context.prompt(prompts, 'Two questions', 'Answer both', ([name, colour]) => {
        if (name === 'Mia' && colour === 'grey') context.accept();
        else context.reject(['keyboard-interactive']);
      });
    },
  });
  await writeFile(dir.file('known'), `[127.0.0.1]:${port} ${hostKey}\n`);
  const lines = ['User me', `UserKnownHostsFile ${dir.file('known')}`];
  const variables = await askPass(dir, { cat: 'Mia', Colour: 'grey' });
  return { host: '127.0.0.1', port, home: dir.file('home'), lines, variables };
}

/** Two different keys are asked for, one after the other (sshd_config(5), AuthenticationMethods). */
async function twoKeys(dir: TempDir): Promise<Login> {
  await Promise.all([makeKey(dir.file('one'), 'ed25519'), makeKey(dir.file('two'), 'ecdsa')]);
  const server = await sshdForTest({
    config: [`AuthorizedKeysFile ${dir.file('authorized')}`, 'AuthenticationMethods publickey,publickey'],
  });
  const keys = await Promise.all(['one', 'two'].map((name) => publicKey(dir.file(name))));
  await writeFile(dir.file('authorized'), `${keys.join('\n')}\n`, { mode: 0o600 });
  const files = ['one', 'two'].map((name) => `IdentityFile ${dir.file(name)}`);
  return { ...loginTo(server), lines: [...linesOf(server), ...files] };
}

/** A key, and then a password. */
async function keyThenPassword(dir: TempDir): Promise<Login> {
  await makeKey(dir.file('key'), 'ed25519');
  await mkdir(dir.file('home'));
  const server = await ownSshServer({
    home: dir.file('home'),
    banner: '\x1b]0;title\x07\x1b[31mred\x1b[0m\r\nwelcome\n',
    judge: () => {
      let hasKey = false;
      return (context) => {
        if (context.method === 'publickey' && context.signature === undefined) return context.accept();
        if (context.method === 'publickey') {
          hasKey = true;
          return context.reject(['password'], true);
        }
        if (hasKey && context.method === 'password' && context.password === 'secret') return context.accept();
        return context.reject([hasKey ? 'password' : 'publickey']);
      };
    },
  });
  await writeFile(dir.file('known'), `[127.0.0.1]:${server.port} ${server.hostKey}\n`);
  const lines = ['User me', `UserKnownHostsFile ${dir.file('known')}`, `IdentityFile ${dir.file('key')}`];
  const variables = { MT_COPY_PASSWORD: 'secret' };
  return { host: '127.0.0.1', port: server.port, home: dir.file('home'), lines, variables };
}

/** The server lets a connection try once. */
async function oneTry(dir: TempDir): Promise<Login> {
  await makeKey(dir.file('key'), 'ed25519');
  const server = await sshdForTest({ config: ['MaxAuthTries 1'] });
  return {
    ...loginTo(server),
    lines: [...linesOf(server), `IdentityFile ${server.identityFile}`, 'IdentitiesOnly yes'],
  };
}

const LOGINS: Readonly<Record<string, (dir: TempDir) => Promise<Login>>> = {
  'an Ed25519 key': keyOf('ed25519'),
  'an ECDSA key': keyOf('ecdsa'),
  'an RSA key': keyOf('rsa'),
  'a key with a passphrase': withPassphrase(keyOf('ed25519', 'right')),
  'a key of PuTTY': puttyKey('ECDSA P-384, version 2'),
  'an RSA key of PuTTY': puttyKey('RSA, version 3'),
  'an encrypted key of PuTTY': withPassphrase(puttyKey('Ed25519, version 3, encrypted')),
  'a key of the agent': agentKey,
  'a password': password,
  'two questions': twoQuestions,
  'two keys, one after the other': twoKeys,
  'a key, then a password, after a banner with escape sequences': keyThenPassword,
  'one try': oneTry,
};

/** How the server is reached. Returns lines for it, and further hosts. */
interface Way {
  readonly lines: readonly string[];
  readonly hosts: readonly string[];
  /** How many TCP connections each counted hop has had. */
  readonly counts: () => Promise<number[]>;
}

async function jumps(count: number): Promise<Way> {
  const servers = await Promise.all(Array.from({ length: count }, () => sshdForTest()));
  const proxies = await Promise.all(servers.map((server) => proxyForTest(server, {})));
  const hosts = servers.flatMap((server, index) => [
    `Host jump${index}`,
    ...[`HostName ${server.host}`, `Port ${proxies[index]!.port}`, `IdentityFile ${server.identityFile}`],
    ...linesOf(server),
  ]);
  return {
    lines: [`ProxyJump ${servers.map((_, index) => `jump${index}`).join(',')}`],
    hosts,
    counts: () => Promise.all(proxies.map(async (proxy) => (await proxy.stats()).accepted)),
  };
}

const RELAY = `const socket = require('net').connect(process.argv[2], process.argv[1]);
  process.stdin.pipe(socket).pipe(process.stdout);`.replaceAll('\n', ' ');

const WAYS: Readonly<Record<string, () => Promise<Way>>> = {
  directly: async () => ({ lines: [], hosts: [], counts: async () => [] }),
  'over one jump': () => jumps(1),
  'over two jumps': () => jumps(2),
  'by a ProxyCommand': async () => ({
    lines: [`ProxyCommand '${process.execPath}' -e "${RELAY}" %h %p`],
    hosts: [],
    counts: async () => [],
  }),
};

/** Up, and in longer tiers down again. */
async function copyBothWays(home: string, login: Login): Promise<RunResult[]> {
  const env = { ...cleanEnvironment(home), ...login.variables };
  const batch = login.variables?.['SSH_ASKPASS'] === undefined ? ['-B'] : [];
  const options = [...batch, '-n', `${CONNECTIONS}`, '-s', '64K'];
  const up = await run(process.execPath, [mtputPath, ...options, join(home, 'source'), 'nas:arrived'], { env });
  if (WAY_BACK === 0) return [up];
  const down = await run(process.execPath, [mtgetPath, ...options, 'nas:arrived', join(home, 'back')], { env });
  return [up, down];
}

async function expectLogin(what: string, how: string): Promise<void> {
  const dir = await tempDirForTest();
  const [login, way] = await Promise.all([LOGINS[what]!(dir), WAYS[how]!()]);
  const home = (await tempDirForTest()).path;
  await mkdir(join(home, '.ssh'));
  const host = ['Host nas', `HostName ${login.host}`, `Port ${login.port}`, ...login.lines, ...way.lines];
  await writeFile(join(home, '.ssh/config'), `${[...host, ...way.hosts].join('\n')}\n`, { mode: 0o600 });
  const source = Buffer.alloc(PIECES, 'some bytes');
  await writeFile(join(home, 'source'), source);
  for (const result of await copyBothWays(home, login)) {
    expect(result).toMatchObject({ code: 0 });
    expect(result.stderr).not.toMatch(/\x1b|\x07/);
  }
  expect(await readFile(join(login.home, 'arrived'))).toEqual(source);
  if (WAY_BACK === 1) expect(await readFile(join(home, 'back'))).toEqual(source);
  // Each connection has a TCP connection of its own on every hop.
  for (const count of await way.counts()) expect(count).toBeGreaterThanOrEqual((1 + WAY_BACK) * CONNECTIONS);
}

const ALL = Object.keys(LOGINS).flatMap((what) => Object.keys(WAYS).map((how) => ({ what, how })));
// Those whose keys are tried in unit tests too are left out; the others once, and each way several times.
const IN_UNIT_TESTS = ['an ECDSA key', 'a key of PuTTY', 'an RSA key of PuTTY', 'two keys, one after the other'];
const QUICK_WAYS = ['directly', 'over one jump', 'directly', 'by a ProxyCommand', 'over two jumps'];
const QUICK = Object.keys(LOGINS)
  .filter((what) => !IN_UNIT_TESTS.includes(what))
  .map((what, index) => ({ what, how: QUICK_WAYS[index % QUICK_WAYS.length]! }));

describeWithServers(['sshd', 'proftpd', 'sftp-server', 'ssh-keygen'], 'a login', () => {
  it.each(byTier(QUICK, ALL))('with $what, $how', ({ what, how }) => expectLogin(what, how));
});

describeWithServers(['sshd', 'sftp-server'], 'a server at an IPv6 address', () => {
  it.each([
    ['[::1]', (port: number) => ['-P', `${port}`, '[::1]:']],
    ['a URL', (port: number) => [`sftp://[::1]:${port}/`]],
    ['a URL with a zone', (port: number) => [`sftp://[::1%25lo]:${port}/`]],
    ['the name of a file of ssh', () => ['six:']],
  ])('is reached by %s', async (_, location) => {
    const server = await sshdForTest();
    const port = await relayFromIpv6(server.port);
    const home = (await tempDirForTest()).path;
    await mkdir(join(home, '.ssh'));
    await writeFile(join(home, 'source'), 'something');
    const known = `${(await readFile(server.knownHostsFile, 'utf8')).trim()}`;
    const key = known.split('\n')[0]!.split(' ').slice(1).join(' ');
    await writeFile(join(home, 'known'), `[::1]:${port} ${key}\n[::1%lo]:${port} ${key}\n`);
    const lines = [`User ${server.user}`, `IdentityFile ${server.identityFile}`, `UserKnownHostsFile ${home}/known`];
    const config = `Host six\nHostName ::1\nPort ${port}\nHost *\n${lines.join('\n')}\nHostKeyAlgorithms ssh-ed25519\n`;
    await writeFile(join(home, '.ssh/config'), config, { mode: 0o600 });
    const env = cleanEnvironment(home);
    const words = location(port);
    const result = await run(
      process.execPath,
      [mtputPath, '-B', ...words.slice(0, -1), join(home, 'source'), words.at(-1)!],
      { env },
    );
    expect(result).toMatchObject({ code: 0 });
    expect(await readFile(join(server.home, 'source'), 'utf8')).toBe('something');
  });
});

/** sshd of the tests listens on 127.0.0.1 only. */
async function relayFromIpv6(to: number): Promise<number> {
  const server = createServer((socket) => {
    const there = createConnection(to, '127.0.0.1');
    socket.pipe(there).pipe(socket);
    const end = (): void => {
      socket.destroy();
      there.destroy();
    };
    socket.on('error', end);
    there.on('error', end);
  });
  await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}
