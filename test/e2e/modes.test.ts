/** The mode of what has arrived, where none is asked for, and where the server lets none be set. */
import { chmod, chown, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { NAME } from '../support/copy-scene.ts';
import { cutUpload, SIZE } from '../support/cut-copy.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { expectArrived } from '../support/expect-arrived.ts';
import { proftpdForTest, sourceForTest, sshdForTest } from '../support/for-one-test.ts';
import { eventsOf, type JsonRun, mtputJson } from '../support/mtput.ts';
import { sha256Of } from '../support/random-file.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier, inLongerTiers } from '../support/tier.ts';

const LARGE = 1_000_000;
const UNKEPT = ['--no-preserve'];

const modeOf = async (...path: string[]): Promise<string> =>
  ((await stat(join(...path))).mode & 0o7777).toString(8).padStart(4, '0');

function warnings(run: JsonRun): string {
  const told = eventsOf(run, 'notice').filter(({ level }) => level === 'warning');
  return told.map(({ message }) => message).join('\n');
}

/** To a new file, and over an old one of mode 0664. */
async function modesAfter(server: TestServer, more: readonly string[], sourceMode = 0o640): Promise<string[]> {
  const source = await sourceForTest(LARGE);
  await chmod(source.path, sourceMode);
  await writeFile(join(server.home, 'old'), 'old');
  await chmod(join(server.home, 'old'), 0o664);
  const modes: string[] = [];
  for (const name of ['new', 'old']) {
    const run = await mtputJson([source.path], { server, path: name }, more);
    expect(run.code, run.stderr).toBe(0);
    expect(await sha256Of(join(server.home, name))).toBe(source.sha256);
    modes.push(await modeOf(server.home, name));
  }
  expect((await readdir(server.home)).sort()).toEqual(['new', 'old']);
  return modes;
}

describeWithServers(['sshd'], 'modes on sshd', () => {
  it.each([
    ['-u 0027', UNKEPT, ['0640', '0664']],
    ['-u 0002 -P fsetstat', [], ['0604', '0604']],
    ...byTier<[string, string[], string[]][]>(
      [],
      [
        ['-u 0002', UNKEPT, ['0664', '0664']],
        ['-u 0077', UNKEPT, ['0600', '0664']],
        ['-u 0002 -P fstat', UNKEPT, ['0664', '0664']],
        ['-u 0002 -P fsetstat', UNKEPT, ['0664', '0664']],
        ['-u 0002', [], ['0604', '0604']],
      ],
    ),
  ] as [string, string[], string[]][])('%s, %j: %j, new and over a file of 0664', async (sftpOptions, more, modes) => {
    const server = await sshdForTest({ sftpOptions });
    expect(await modesAfter(server, more, 0o604)).toEqual(modes);
  });

  it.each([
    ['-u 0027', '0640', /others may read \S+\.mtpart \(its mode is 0640\)/],
    ...byTier<[string, string, RegExp][]>([], [['-u 0077', '0600', /^$/]]),
  ] as [string, string, RegExp][])('no mode of a file may be set, %s: %s', async (umask, mode, warning) => {
    const server = await sshdForTest({ sftpOptions: `${umask} -P setstat,fsetstat` });
    const source = await sourceForTest(LARGE);
    for (const more of [UNKEPT, []]) {
      const run = await mtputJson([source.path], { server, path: 'f' }, more);
      expect(run.code, run.stderr).toBe(0);
      expect(await readdir(server.home)).toEqual(['f']);
      expect(await modeOf(server.home, 'f')).toBe(mode);
      if (more === UNKEPT) expect(warnings(run)).toMatch(warning);
      else expect(warnings(run)).toMatch(new RegExp(`refused to set its mode bits .* stay ${mode}`));
    }
  });

  it('--inplace --no-preserve: that of the file itself, or of the server', async () => {
    const server = await sshdForTest({ sftpOptions: '-u 0027' });
    expect(await modesAfter(server, [...UNKEPT, '--inplace'])).toEqual(['0640', '0664']);
  });

  it('a directory that gives its group to what is created in it', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('only root gives files to other groups');
    const server = await sshdForTest({ sftpOptions: '-u 0002' });
    const directory = join(server.home, 'shared');
    await mkdir(directory);
    await chown(directory, 0, 20_001);
    await chmod(directory, 0o2775);
    const source = await sourceForTest(LARGE);
    const run = await mtputJson([source.path], { server, path: 'shared/f' }, UNKEPT);
    expect(run.code, run.stderr).toBe(0);
    expect(await modeOf(directory, 'f')).toBe('0664');
    expect((await stat(join(directory, 'f'))).gid).toBe(20_001);
  });

  it('the file that it is learned from is named where it cannot be removed', async () => {
    const server = await sshdForTest({ sftpOptions: '-u 0027 -P remove' });
    const source = await sourceForTest(1000);
    const run = await mtputJson([source.path], { server, path: 'f' }, UNKEPT);
    expect(run.code, run.stderr).toBe(0);
    const [left, ...others] = (await readdir(server.home)).filter((name) => name !== 'f');
    expect(others).toEqual([]);
    expect(warnings(run)).toContain(`${left} is empty, and the server refuses to remove it`);
    expect(await modeOf(server.home, 'f')).toBe('0640');
  });
});

describeWithServers(['proftpd'], 'modes on proftpd', () => {
  it.each([['002', ['0664', '0664']], ...byTier([], [['027', ['0640', '0664']] as const])] as const)(
    'Umask %s, --no-preserve',
    async (umask, modes) => {
      const server = await proftpdForTest(`Umask ${umask}`);
      await chmod(server.home, 0o777);
      expect(await modesAfter(server, UNKEPT)).toEqual(modes);
    },
  );

  const noChmod = '<Limit SITE_CHMOD>\n  DenyAll\n</Limit>';

  it.each([
    ['000', '0666', /others may read and write \S+\.mtpart \(its mode is 0666\)/],
    ...byTier(
      [],
      [['022', '0644', /others may read \S+\.mtpart \(its mode is 0644\)/] as const, ['077', '0600', /^$/] as const],
    ),
  ] as const)('no mode may be set, Umask %s: %s, and a warning where others may look', async (umask, mode, warning) => {
    const server = await proftpdForTest(noChmod, `Umask ${umask}`);
    const source = await sourceForTest(LARGE);
    await chmod(source.path, 0o640);
    // That it refuses what is asked for is told as on sshd.
    for (const more of [UNKEPT, ...byTier([], [[]])]) {
      const run = await mtputJson([source.path], { server, path: 'f' }, more);
      expect(run.code, run.stderr).toBe(0);
      expect(await sha256Of(join(server.home, 'f'))).toBe(source.sha256);
      expect(await readdir(server.home)).toEqual(['f']);
      expect(await modeOf(server.home, 'f')).toBe(mode);
      const told = warnings(run);
      if (more === UNKEPT) expect(told).toMatch(warning);
      else expect(told).toMatch(/refused to set its mode bits .* stay/);
    }
  });

  inLongerTiers(() => {
    it('no mode may be set, and others may write: a run that was cut off is continued', async () => {
      const server = await proftpdForTest(noChmod, 'Umask 000', 'SFTPExtensions -checkFile');
      const source = await sourceForTest(SIZE);
      const args = ['-s', '1M', '--digest-provider', 'none'];
      const line = await cutUpload('the client is killed', { server, source, args, share: 0.7 });
      const run = await mtputJson([source.path], { server, port: line.proxy.port, path: NAME }, ['-n', '8', ...args]);
      await expectArrived(run, server, NAME, source);
      expect(eventsOf(run, 'result')[0]!.bytesResumed).toBeGreaterThan(0);
    });
  });
});
