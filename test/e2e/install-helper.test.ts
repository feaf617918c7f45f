/** `mtput --install-helper`: the helper comes to the server, and nothing that is not ours goes. */
import { chmod, lstat, mkdir, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { proftpdForTest, sshdForTest, tempDirForTest } from '../support/for-one-test.ts';
import { helperPath, installHelper, installOriginal } from '../support/helper-program.ts';
import { cleanEnvironment, mtput, mtputPath, sshArguments } from '../support/mtput.ts';
import { type RunResult, run, startProcess } from '../support/process.ts';
import { repoRoot } from '../support/repo-root.ts';
import { expectFailure, expectSuccess } from '../support/run-outcome.ts';
import { type SshdOptions, startSshd } from '../support/sshd.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

const NAME = 'mt-copy-tools-cs';
const { version: current } = JSON.parse(await readFile(join(repoRoot, 'package.json'), 'utf8')) as { version: string };
const nodeDirectory = dirname(process.execPath);

interface Scene {
  readonly server: TestServer;
  /** Of SFTP; of the shell too unless the test says otherwise. */
  readonly home: string;
  readonly place: string;
}

function sceneOf(server: TestServer, home: string): Scene {
  return { server, home, place: join(home, '.local/bin', NAME) };
}

const USUAL_PATH = `${nodeDirectory}:/usr/bin:/bin`;

/** `path`: what commands search. */
function optionsOf(home: string, path = USUAL_PATH, shellHome = home): SshdOptions {
  return { startDirectory: home, config: [`SetEnv HOME=${shellHome} PATH=${path}`] };
}

/** With a server of its own. */
async function otherScene(path?: string, shellHome?: string): Promise<Scene> {
  const dir = await tempDirForTest();
  const home = dir.file('home');
  await mkdir(home);
  return sceneOf(await sshdForTest(optionsOf(home, path, shellHome)), home);
}

function argumentsFor({ server }: Scene, more: readonly string[]): string[] {
  const ssh = sshArguments(server).filter((argument) => argument !== '-B');
  return [mtputPath, '--install-helper', ...ssh, ...more, `${server.user}@${server.host}`];
}

/** With a program that answers every question. */
async function install(
  place: Scene,
  more: readonly string[] = [],
  answer = 'yes',
): Promise<RunResult & { asked: string }> {
  const dir = await tempDirForTest();
  const asked = dir.file('asked');
  await writeFile(dir.file('answer'), `#!/bin/sh\nprintf '%s\\n' "$1" >>'${asked}'\necho "${answer}"\n`, {
    mode: 0o755,
  });
  const env = { ...cleanEnvironment(place.server.dir), SSH_ASKPASS: dir.file('answer'), SSH_ASKPASS_REQUIRE: 'force' };
  const result = await run(process.execPath, argumentsFor(place, more), { env });
  return { ...result, asked: await readFile(asked, 'utf8').catch(() => '') };
}

async function expectInstalled({ place }: Scene): Promise<void> {
  expect((await readFile(place)).equals(await readFile(helperPath))).toBe(true);
  expect((await lstat(place)).mode & 0o7777).toBe(0o755);
  expect(await readdir(dirname(place))).toEqual([NAME]);
}

/** As it would be of another version. */
async function standVersion(place: string, version: string): Promise<string> {
  const text = (await readFile(helperPath, 'utf8')).replaceAll(current, version);
  expect(text).toContain(`// ${NAME} ${version} of `);
  await mkdir(dirname(place), { recursive: true });
  await writeFile(place, text, { mode: 0o755 });
  return text;
}

describeWithServers(['sshd'], 'mtput --install-helper, sshd', () => {
  let dirOfAll: TempDir;
  let serverOfAll: TestServer;
  beforeAll(async () => {
    dirOfAll = await makeTempDir('install-helper');
    await mkdir(dirOfAll.file('home'));
    serverOfAll = await startSshd(optionsOf(dirOfAll.file('home')));
  });
  afterAll(async () => {
    await serverOfAll?.stop();
    await dirOfAll?.remove();
  });

  /** One server for all tests that need no special one: its home is empty, and nobody is logged in. */
  async function scene(): Promise<Scene> {
    const home = dirOfAll.file('home');
    await waitFor(() => serverOfAll.sessionPids().length === 0, { what: 'the sessions of other tests to end' });
    for (const name of await readdir(home)) await rm(join(home, name), { recursive: true });
    return sceneOf(serverOfAll, home);
  }

  test('installs, runs it once, and mtput verifies with it; the second time nothing is written', async () => {
    const place = await scene();
    const { asked, ...first } = await install(place);
    expectSuccess(first);
    expect(asked).toBe(
      `Put ${NAME} ${current} (${asked.match(/\((.*?)\)/)?.[1]}) on 127.0.0.1, at ${place.place} (yes/no)? \n`,
    );
    expect(first.stdout).toBe('');
    expect(first.stderr.split('\n')).toEqual([
      `${NAME} ${current} is now at ${place.place}.`,
      `It was run there once, and answered: version ${current}.`,
      'Its directory is not on the PATH of the shell there; mtput looks into it all the same.',
      '',
    ]);
    await expectInstalled(place);
    for (const directory of ['.local', '.local/bin']) {
      expect((await stat(join(place.home, directory))).mode & 0o777).toBe(0o755);
    }
    const before = await stat(place.place);
    const second = await install(place);
    expectSuccess(second);
    expect(second.asked).toBe('');
    expect(second.stderr).toContain(`${NAME} ${current} is already at ${place.place}.\nIt was run there once`);
    expect(await stat(place.place)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });

    const file = join(place.server.dir, 'file.bin');
    await writeFile(file, Buffer.alloc(300_000, 'x'));
    const put = await mtput([file], { server: place.server, path: 'file.bin' }, [
      '--verify=hash',
      '--digest-provider=helper',
    ]);
    expectSuccess(put);
    expect(put.stderr).toContain('verified by digest');
  });

  test('on a terminal: yes', async () => {
    const place = await scene();
    const { code, output } = await onTerminal(place, 'maybe\ryes\r');
    expect(output).toContain(`at ${place.place} (yes/no)? maybe`);
    expect(output).toContain("Please type 'yes' or 'no': yes");
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('It was run there once') });
    await expectInstalled(place);
  });

  test('on a terminal: no, and nothing is changed', async () => {
    const place = await scene();
    const { code, output } = await onTerminal(place, 'no\r');
    expect({ code, output }).toEqual({ code: 130, output: expect.stringContaining('Nothing was changed') });
    expect(await readdir(place.home)).toEqual([]);
  });

  test('on a terminal: an interrupt instead of an answer', async () => {
    const place = await scene();
    const { code, output } = await onTerminal(place, '\x03');
    expect({ code, output }).toEqual({ code: 130, output: expect.stringContaining('Interrupted.') });
    expect(await readdir(place.home)).toEqual([]);
  });

  test.each([
    ['--batch', ['--batch']],
    ['BatchMode', ['-o', 'BatchMode=yes']],
  ])('%s: nobody can be asked, and nothing is done', async (_how, more) => {
    const place = await scene();
    const before = (await place.server.log()).length;
    const result = await install(place, more);
    expectFailure(result, 2, /nobody can be asked/, /on a terminal and without --batch/);
    expect((await place.server.log()).slice(before)).toBe('');
    expect(await readdir(place.home)).toEqual([]);
  });

  test('--dry-run tells and writes nothing, and asks nobody', async () => {
    const place = await scene();
    const fresh = await install(place, ['--dry-run', '--batch']);
    expectSuccess(fresh);
    expect(fresh.stderr).toBe(`Put ${NAME} ${current}: ${place.place}. Nothing was written.\n`);
    expect(await readdir(place.home)).toEqual([]);
    const old = await standVersion(place.place, '0.0.9');
    const replacing = await install(place, ['--dry-run']);
    expect(replacing.stderr).toContain(`Replace ${NAME} 0.0.9 by ${current}: `);
    expect(await readFile(place.place, 'utf8')).toBe(old);
  });

  // One that is older in its number is in other tests of the quick tier.
  test.each([`${current}-rc.1`, ...byTier([], ['0.0.9'])])('an older one, %s, is replaced', async (older) => {
    const place = await scene();
    await standVersion(place.place, older);
    const result = await install(place);
    expectSuccess(result);
    expect(result.asked).toContain(`Replace ${NAME} ${older} by ${current} (`);
    expect(result.stderr).toContain(`is now at ${place.place} instead of ${older}.`);
    await expectInstalled(place);
  });

  test('one that is damaged, or may not be run, is replaced', async () => {
    const place = await scene();
    await installHelper(dirname(place.place));
    await writeFile(place.place, (await readFile(helperPath)).subarray(0, 5000));
    expectSuccess(await install(place));
    await expectInstalled(place);
    await chmod(place.place, 0o644);
    expectSuccess(await install(place));
    await expectInstalled(place);
  });

  test('a newer one is left, and run', async () => {
    const place = await scene();
    const newer = await standVersion(place.place, '99.0.0');
    const result = await install(place);
    expectSuccess(result);
    expect(result.asked).toBe('');
    expect(result.stderr).toContain(`${NAME} 99.0.0, which is newer than ${current}, is already at `);
    expect(result.stderr).toContain('answered: version 99.0.0.');
    expect(await readFile(place.place, 'utf8')).toBe(newer);
  });

  type InTheWay = [string, (path: string) => Promise<unknown>, RegExp];
  test.each([
    ['a foreign program', (path) => installOriginal(dirname(path)), /is another program/],
    ['a link to ours', (path) => symlink(helperPath, path), /is a symbolic link/],
    // That a directory stays is in the quick tier with -q and --json.
    ...byTier<InTheWay[]>(
      [],
      [
        ['an empty file', (path) => writeFile(path, ''), /is another program/],
        ['a dangling link', (path) => symlink('nowhere', path), /is a symbolic link/],
        ['a directory', (path) => mkdir(path), /is a directory/],
      ],
    ),
  ] as InTheWay[])('%s in the way: 4, and it stays', async (_what, stand, happened) => {
    const place = await scene();
    await mkdir(dirname(place.place), { recursive: true });
    await stand(place.place);
    const before = await lookOf(place.place);
    const result = await install(place);
    expectFailure(result, 4, happened, /move it away/i);
    expect(result.asked).toBe('');
    expect(await lookOf(place.place)).toEqual(before);
    expect(await readdir(dirname(place.place))).toEqual([NAME]);
  });

  test.each([false, true])('what comes there while the question is open stays: 12; ours before: %s', async (isOurs) => {
    const place = await scene();
    await mkdir(dirname(place.place), { recursive: true });
    if (isOurs) await standVersion(place.place, '0.0.9');
    const result = await install(place, [], `$(echo foreign >'${place.place}'; echo yes)`);
    expectFailure(result, 12, /Somebody else changed/, /Look at what is there now/);
    expect(await readFile(place.place, 'utf8')).toBe('foreign\n');
    expect(await readdir(dirname(place.place))).toEqual([NAME]);
  });

  test('a file where a directory belongs: 4', async () => {
    const place = await scene();
    await writeFile(join(place.home, '.local'), 'mine');
    expectFailure(await install(place), 4, /\.local on the server is not a directory/, /left alone/);
    expect(await readFile(join(place.home, '.local'), 'utf8')).toBe('mine');
  });

  test('directories may be links', async () => {
    const place = await scene();
    await mkdir(join(place.home, 'dot-local'));
    await symlink('dot-local', join(place.home, '.local'));
    expectSuccess(await install(place));
    await expectInstalled(place);
    expect(await readlink(join(place.home, '.local'))).toBe('dot-local');
  });

  test('where no commands are run, it is installed, and the error says that it cannot be used', async () => {
    const place = await scene();
    const home = place.home;
    const server = await sshdForTest({ forceSftp: true, startDirectory: home });
    const result = await install({ ...place, server });
    expectFailure(result, 8, /is at .*, but cannot be used: .*gives no shell/, /needs a server that runs commands/);
    expect(result.stderr).toContain(`is now at ${place.place}.`);
    await expectInstalled(place);
  });

  test('no node there: told', async () => {
    const dir = await tempDirForTest();
    const place = await otherScene(await binWithoutNode(dir.file('bin')));
    expectFailure(await install(place), 8, /cannot be used: The server has no node/, /Node 20/);
    await expectInstalled(place);
  });

  test('the shell has another home: told', async () => {
    const dir = await tempDirForTest();
    const place = await otherScene(USUAL_PATH, dir.path);
    expectFailure(await install(place), 8, /~\/\.local\/bin of the shell is another directory/, /PATH/);
    await expectInstalled(place);
  });

  test('on the PATH there is nothing more to say', async () => {
    const dir = await tempDirForTest();
    const home = dir.file('home');
    await mkdir(home);
    const path = `${join(home, '.local/bin')}:${nodeDirectory}:/usr/bin:/bin`;
    const server = await sshdForTest({ startDirectory: home, config: [`SetEnv HOME=/nonexistent PATH=${path}`] });
    const result = await install(sceneOf(server, home));
    expectSuccess(result);
    expect(result.stderr).not.toContain('PATH');
  });

  test('-q says nothing, -v tells of the connection', async () => {
    const place = await scene();
    expect(await install(place, ['-q'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect((await install(place, ['-v'])).stderr).toMatch(/^connection 1 open \(OpenSSH/m);
    await rm(place.place);
    await mkdir(place.place);
    expectFailure(await install(place, ['-q']), 4, /is a directory/, /Move it away/);
  });

  test('--json: notices, the result last', async () => {
    const place = await scene();
    const done = await install(place, ['--json']);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    const events = done.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.filter(({ type }) => type === 'notice').map(({ code }) => code)).toEqual([
      'helper-installed',
      'helper-answers',
      'helper-path',
    ]);
    const { size } = await stat(helperPath);
    expect(events.at(-1)).toMatchObject({ v: 1, type: 'result', exitCode: 0, bytesSent: size, connectionsUsed: 1 });
    await rm(place.place);
    await mkdir(place.place);
    const failed = await install(place, ['--json']);
    expect(failed.code).toBe(4);
    expect(JSON.parse(failed.stdout.trimEnd().split('\n').at(-1)!)).toMatchObject({
      type: 'result',
      exitCode: 4,
      error: { code: 'destination-is-directory' },
    });
  });
});

describeWithServers(['proftpd'], 'mtput --install-helper, proftpd', () => {
  test('installs and replaces; the error says that no commands are run there', async () => {
    const server = await proftpdForTest();
    const place = sceneOf(server, server.home);
    for (const older of [false, true]) {
      if (older) await standVersion(place.place, '0.0.9');
      const result = await install(place);
      expectFailure(result, 8, /is at .*, but cannot be used: .*/, /needs a server that runs commands/);
      expect(result.stderr).toContain(`is now at ${place.place}${older ? ' instead of 0.0.9' : ''}.`);
      await expectInstalled(place);
    }
    await rm(place.place);
    await installOriginal(dirname(place.place));
    expectFailure(await install(place), 4, /is another program/, /left alone/);
  });

  test('a directory that may not be written: 4', async () => {
    const server = await proftpdForTest();
    const place = sceneOf(server, server.home);
    await mkdir(dirname(place.place), { recursive: true });
    expectFailure(await install(place), 4, /\.mtpart: Permission denied/, /permissions of ~\/\.local\/bin/);
    expect(await readdir(dirname(place.place))).toEqual([]);
  });
});

test('no server, no installation', async () => {
  const dir = await tempDirForTest();
  const env = { ...cleanEnvironment(dir.path), SSH_ASKPASS: '/bin/true', SSH_ASKPASS_REQUIRE: 'force' };
  const result = await run(process.execPath, [mtputPath, '--install-helper', '-P', '1', '127.0.0.1'], { env });
  expectFailure(result, 5, /127\.0\.0\.1/, /Check/);
});

/** Whatever stands at a path: kind, times, contents. */
async function lookOf(path: string) {
  const { mode, size, mtimeMs, ino } = await lstat(path);
  const content = await readFile(path).catch(({ code }) => code as string);
  return { mode, size, mtimeMs, ino, content };
}

/** A directory with what the script needs, and no more. Returns it. */
async function binWithoutNode(bin: string): Promise<string> {
  await mkdir(bin);
  for (const name of ['env', 'tr', 'cut', 'sh']) {
    const found = ['/usr/bin', '/bin'].map((directory) => join(directory, name));
    for (const path of found) {
      if (
        await stat(path).then(
          () => true,
          () => false,
        )
      )
        await symlink(path, join(bin, name)).catch(() => {});
    }
  }
  return bin;
}

/** Types `keys` when the question is there. */
async function onTerminal(place: Scene, keys: string): Promise<{ code: number | null; output: string }> {
  const quoted = [process.execPath, ...argumentsFor(place, [])].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  const running = await startProcess('script', ['-qec', `exec ${quoted.join(' ')}`, '/dev/null'], {
    env: { ...cleanEnvironment(place.server.dir), SHELL: '/bin/sh', TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  onTestFinished(async () => void (await running.stopTree()));
  let output = '';
  running.child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  const closed = new Promise((resolve) => running.child.once('close', resolve));
  for (const [i, line] of (keys.match(/[^\r]*[\r\x03]/g) ?? []).entries()) {
    const questions = (): number => output.match(/(\(yes\/no\)\?|'no':) /g)?.length ?? 0;
    await waitFor(() => questions() > i, { what: 'the question', timeoutMs: 20_000 });
    running.child.stdin?.write(line);
  }
  const { code } = await running.exited;
  await closed;
  return { code, output };
}
