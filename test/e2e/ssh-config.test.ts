/** What works with `ssh HOST` works here: the files of ssh say how a host is reached. */
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { allDirections, type Direction } from '../support/directions.ts';
import { sshdForTest, tempDirForTest } from '../support/for-one-test.ts';
import { cleanEnvironment, mtgetPath, mtputPath } from '../support/mtput.ts';
import { type RunResult, run } from '../support/process.ts';
import type { TestServer } from '../support/test-server.ts';

interface Scene {
  readonly home: string;
  readonly server: TestServer;
  /** Writes the file of the user, after the lines that lead to the server. */
  configure(more?: string): Promise<void>;
  /** Runs a program with that home. `local` and `remote` exist on the side that is copied from. */
  copy(direction: Direction, ...options: string[]): Promise<RunResult>;
  /** What has arrived. */
  arrived(direction: Direction): Promise<string>;
}

async function scene(): Promise<Scene> {
  const server = await sshdForTest();
  const home = (await tempDirForTest()).path;
  await mkdir(join(home, '.ssh'));
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
      await writeFile(join(home, 'local'), 'from here');
      await writeFile(join(server.home, 'remote'), 'from there');
      const paths = direction === 'up' ? [join(home, 'local'), 'nas:copied'] : ['nas:remote', join(home, 'copied')];
      const program = direction === 'up' ? mtputPath : mtgetPath;
      return run(process.execPath, [program, '-B', ...options, ...paths], { env: cleanEnvironment(home) });
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

  describe('with more in the file', () => {
    it.each([
      ['a misspelt keyword is told with -v', 'Host nas\n  Prot 1\n', ['-v'], 0, 'Prot is no known keyword'],
      ['what is not honoured is told', 'Host nas\n  BindAddress 127.0.0.1\n', [], 0, 'BindAddress is not supported'],
      ['a command is never run', 'Match exec "touch HOME/ran"\n  Port 1\n', [], 0, 'left out, because of "exec"'],
      ['another route is not ignored', 'Host nas\n  ProxyJump other\n', [], 2, 'ProxyJump is not supported'],
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
