/** What works with `ssh HOST` works here: the files of ssh say how a host is reached. */
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { allDirections, type Direction } from '../support/directions.ts';
import { sourceForTest, sshdForTest, tempDirForTest } from '../support/for-one-test.ts';
import { cleanEnvironment, mtgetPath, mtputPath, type ProgramOptions } from '../support/mtput.ts';
import { type RunResult, run } from '../support/process.ts';
import { isAlive } from '../support/process-tree.ts';
import { sha256Of } from '../support/random-file.ts';
import type { TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait-for.ts';

interface Scene {
  readonly home: string;
  readonly server: TestServer;
  /** Writes the file of the user, after the lines that lead to the server. */
  configure(more?: string): Promise<void>;
  /** Runs a program with that home. `local` is in it, and `remote` on the server. */
  copy(direction: Direction, ...options: (string | Pick<ProgramOptions, 'environment'>)[]): Promise<RunResult>;
  /** What has arrived. */
  arrived(direction: Direction): Promise<string>;
}

async function scene(): Promise<Scene> {
  const server = await sshdForTest();
  const home = (await tempDirForTest()).path;
  await mkdir(join(home, '.ssh'));
  await writeFile(join(home, 'local'), 'from here');
  await writeFile(join(server.home, 'remote'), 'from there');
  const file = join(home, '.ssh/config');
  const lines = [
    'Host nas',
    `  HostName ${server.host}`,
    `  Port ${server.port}`,
    `  User ${server.user}`,
    `  IdentityFile "${server.identityFile}"`,
    `  UserKnownHostsFile ${server.knownHostsFile}`,
  ];
  return {
    home,
    server,
    configure: (more = '') => writeFile(file, `${lines.join('\n')}\n${more}\n`, { mode: 0o600 }),
    copy: async (direction, ...options) => {
      const paths = direction === 'up' ? [join(home, 'local'), 'nas:copied'] : ['nas:remote', join(home, 'copied')];
      const program = direction === 'up' ? mtputPath : mtgetPath;
      const words = options.filter((option) => typeof option === 'string');
      const more = options.flatMap((option) => (typeof option === 'string' ? [] : [option.environment ?? {}]));
      const env = Object.assign(cleanEnvironment(home), ...more);
      return run(process.execPath, [program, '-B', ...words, ...paths], { env });
    },
    arrived: (direction) => readFile(join(direction === 'up' ? server.home : home, 'copied'), 'utf8'),
  };
}

describeWithServers(['sshd'], 'a host of ~/.ssh/config', () => {
  it.each(allDirections)('is reached by its alias: %s', async (direction) => {
    const { configure, copy, arrived } = await scene();
    await configure();
    expect(await copy(direction)).toMatchObject({ code: 0 });
    expect(await arrived(direction)).toBe(direction === 'up' ? 'from here' : 'from there');
  });

  it('is not known without that file', async () => {
    const { home, configure, copy } = await scene();
    await configure();
    expect(await copy('up', '-F', 'none')).toMatchObject({ code: 5 });
    await rm(join(home, '.ssh/config'));
    expect(await copy('up')).toMatchObject({ code: 5 });
  });

  it('is reached from the address that BindAddress names', async () => {
    const { server, configure, copy } = await scene();
    await configure('Host nas\n  BindAddress 127.0.0.2\n');
    expect(await copy('up')).toMatchObject({ code: 0 });
    expect(await server.log()).toMatch(/Accepted publickey for \S+ from 127\.0\.0\.2 /);
  });

  it('may be in the file that -F names', async () => {
    const { home, configure, copy, arrived } = await scene();
    await configure();
    const other = join(home, 'other');
    await writeFile(other, await readFile(join(home, '.ssh/config')));
    await rm(join(home, '.ssh/config'));
    expect(await copy('up', '-F', other)).toMatchObject({ code: 0 });
    expect(await arrived('up')).toBe('from here');
    expect(await copy('up', '-F', join(home, 'gone'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('gone'),
    });
  });

  it('is shown by -G with what was understood', async () => {
    const { home, server, configure } = await scene();
    await configure('Host *\n  Compression yes\n');
    for (const program of [mtputPath, mtgetPath]) {
      const shown = await run(process.execPath, [program, '-G', 'nas:'], { env: cleanEnvironment(home) });
      expect(shown).toMatchObject({ code: 0, stderr: '' });
      const lines = [`hostname ${server.host}`, `port ${server.port}`, `user ${server.user}`, 'compression yes'];
      expect(shown.stdout.split('\n')).toEqual(expect.arrayContaining(lines));
    }
  });

  describe('through a ProxyCommand', () => {
    const RELAY = `
      const [host, port, pids] = process.argv.slice(2);
      const { MT_COPY_PASSWORD, MT_COPY_PASSPHRASE } = process.env;
      require('fs').appendFileSync(pids, process.pid + ' ' + [MT_COPY_PASSWORD, MT_COPY_PASSPHRASE] + '\\n');
      const socket = require('net').connect(port, host);
      process.stdin.pipe(socket).pipe(process.stdout);
      socket.on('close', () => process.exit());`;

    /** Resolves with the line for the file, and with what gives the lines that the commands have written. */
    async function relay(home: string): Promise<{ line: string; started: () => Promise<string[]> }> {
      const [program, pids] = [join(home, 'relay.cjs'), join(home, 'pids')];
      await writeFile(program, RELAY);
      const started = async (): Promise<string[]> => (await readFile(pids, 'utf8')).trim().split('\n');
      return { line: `  ProxyCommand "${process.execPath}" ${program} %h %p ${pids} # not a comment: $$\n`, started };
    }

    it.each(allDirections)('each connection has a command of its own, which ends with it: %s', async (direction) => {
      const { home, server, configure, copy } = await scene();
      const { line, started } = await relay(home);
      await configure(`Host nas\n${line}`);
      const source = await sourceForTest(30_000_000);
      await copyFile(
        source.path,
        join(direction === 'up' ? home : server.home, direction === 'up' ? 'local' : 'remote'),
      );
      expect(await copy(direction, '-n', '3')).toMatchObject({ code: 0 });
      const target = join(direction === 'up' ? server.home : home, 'copied');
      expect(await sha256Of(target)).toBe(source.sha256);
      const commands = await started();
      expect(commands).toHaveLength(3);
      const running = (): string[] => commands.filter((command) => isAlive({ pid: Number(command.split(' ')[0]) }));
      await waitFor(() => running().length === 0, { what: 'the end of the commands' });
    });

    it('no secret is passed on', async () => {
      const { home, configure, copy } = await scene();
      const { line, started } = await relay(home);
      await configure(`Host nas\n${line}`);
      const environment = { MT_COPY_PASSWORD: 'hidden', MT_COPY_PASSPHRASE: 'hidden too' };
      expect(await copy('up', { environment })).toMatchObject({ code: 0 });
      for (const command of await started()) expect(command).toMatch(/^\d+ ,$/);
    });

    it.each([
      [
        'a command that fails',
        `ProxyCommand sh -c "echo no way >&2; exit 3"`,
        ['--retry-for', '1s'],
        5,
        'ended with status 3: no way',
      ],
      ['a command that does not exist', 'ProxyCommand /gone/nc %h %p', [], 5, '/gone/nc'],
      [
        'a command that says nothing',
        'ProxyCommand sleep 60',
        ['--connect-timeout', '1s', '--retry-for', '1s'],
        5,
        '1 s',
      ],
      ['a user that a shell would run', 'ProxyCommand nc %r %h', ['-o', 'User=a;b'], 2, 'may not be part of a command'],
      ['none', 'ProxyCommand none\n  ProxyCommand false', [], 0, 'copied'],
    ])('%s', async (_, line, options, code, text) => {
      const { configure, copy } = await scene();
      await configure(`Host nas\n  ${line}\n`);
      const result = await copy('up', ...options);
      expect({ code: result.code, stderr: result.stderr }).toEqual({ code, stderr: expect.stringContaining(text) });
    });
  });

  describe('with more in the file', () => {
    it.each([
      ['a misspelt keyword is told with -v', 'Host nas\n  Prot 1\n', ['-v'], 0, 'Prot is no known keyword'],
      ['what is not honoured is told', 'Host nas\n  RequiredRSASize 2048\n', [], 0, 'RequiredRSASize is not supported'],
      [
        'an address that this machine has not',
        'Host nas\n  BindAddress 192.0.2.1\n',
        ['--retry-for', '1s'],
        5,
        'local address',
      ],
      ['a command is never run', 'Match exec "touch HOME/ran"\n  Port 1\n', [], 0, 'left out, because of "exec"'],
      [
        'a list of revoked keys is not ignored',
        'Host nas\n  RevokedHostKeys /k\n',
        [],
        6,
        'RevokedHostKeys: /k cannot be read',
      ],
      [
        'a command with an equals sign',
        'Match exec "test a=b" originalhost nas\n  Port 1\n',
        [],
        0,
        'left out, because of "exec"',
      ],
      ['a host that refuses', 'Host nas\n  RefuseConnection gone\n', [], 2, 'RefuseConnection is not supported'],
      ['a quote that is not closed', 'Host nas\n  User "joe\n', [], 2, 'is not closed'],
      ['a bad value names its line', 'Host nas\n  ServerAliveInterval soon\n', [], 2, 'line 8: ServerAliveInterval'],
      ['a file that includes itself', 'Include config\n', [], 2, '16 levels deep'],
    ])('%s', async (_, more, options, code, text) => {
      const { home, configure, copy } = await scene();
      await configure(more.replaceAll('HOME', home));
      const result = await copy('up', ...options);
      expect({ code: result.code, stderr: result.stderr }).toEqual({ code, stderr: expect.stringContaining(text) });
      await expect(readFile(join(home, 'ran'))).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it('that others may write, it is refused', async () => {
      const { home, configure, copy } = await scene();
      await configure();
      await chmod(join(home, '.ssh/config'), 0o666);
      expect(await copy('up')).toMatchObject({ code: 2, stderr: expect.stringContaining('chmod go-w') });
    });
  });
});
