/** The exit codes of mtget that do not depend on the file: what ends the run, and what is left then. */
import { chmod, chown, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type GetOptions, get } from '../../src/index.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { proxyForTest, sshdForTest, tempDirForTest } from '../support/for-one-test.ts';
import { cleanEnvironment, getArguments, mtget, mtgetPath } from '../support/mtput.ts';
import { partialsOf } from '../support/partials.ts';
import { freePort } from '../support/ports.ts';
import { runOk, startProcess } from '../support/process.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { repoRoot } from '../support/repo-root.ts';
import { expectFailure } from '../support/run-outcome.ts';
import { makeKey } from '../support/ssh-keys.ts';
import type { TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait-for.ts';

const SIZE = 12_000_000;

async function serverWithFile(): Promise<TestServer> {
  const server = await sshdForTest();
  await writeRandomFile(join(server.home, 'f.bin'), SIZE);
  return server;
}

/** An old target, which has to stay. */
async function oldTarget(): Promise<{ readonly directory: string; readonly path: string }> {
  const directory = (await tempDirForTest()).path;
  const path = join(directory, 'old.bin');
  await writeFile(path, 'old');
  return { directory, path };
}

describeWithServers(['sshd', 'ssh-keygen'], 'mtget that does not get in', () => {
  it.each<[number, string, (server: TestServer) => Promise<Partial<TestServer>>, RegExp]>([
    [5, 'nothing listens', async () => ({ port: await freePort() }), /nothing listens there/],
    [
      6,
      'the host key is not known',
      async (server) => {
        await writeFile(server.knownHostsFile, '');
        return {};
      },
      /is not known/,
    ],
    [
      7,
      'the key opens no door',
      async () => {
        const dir = await tempDirForTest();
        await makeKey(dir.file('stranger'), 'ed25519');
        return { identityFile: dir.file('stranger') };
      },
      /did not let/,
    ],
  ])('%i: %s', async (code, _, change, says) => {
    const server = await serverWithFile();
    const changed = { ...server, ...(await change(server)) };
    const { directory, path } = await oldTarget();
    expectFailure(await mtget({ server: changed, paths: ['f.bin'] }, path, ['--retry-for', '1s']), code, says, /./);
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(directory)).toEqual(['old.bin']);
  });

  it('8: there is no SFTP', async () => {
    const server = await sshdForTest({ config: ['Subsystem other /bin/true'] });
    const { directory, path } = await oldTarget();
    expectFailure(await mtget({ server, paths: ['f.bin'] }, path), 8, /sftp/, /./);
    expect(await readdir(directory)).toEqual(['old.bin']);
  });
});

describeWithServers(['sshd'], 'mtget that is told to stop', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('by %s: %i, and the same command continues', async (signal, code) => {
    const server = await serverWithFile();
    const proxy = await proxyForTest(server, {});
    const { directory, path } = await oldTarget();
    const from = { server, port: proxy.port, paths: ['f.bin'] };
    const args = [mtgetPath, ...getArguments(from, path, ['-n', '3', '-s', '64K', '--limit', '4M'])];
    const run = await startProcess(process.execPath, args, { env: cleanEnvironment(server.dir), stdio: 'ignore' });
    await waitFor(async () => (await proxy.stats()).bytesDown > SIZE / 2, { what: 'half of the file' });
    expect(await run.stop(signal, 10_000)).toMatchObject({ code });
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await partialsOf(directory, 'old.bin')).toHaveLength(1);
    const before = (await proxy.stats()).bytesDown;
    expect(await mtget(from, path, ['-s', '64K'])).toMatchObject({ code: 0 });
    expect(await sha256Of(path)).toBe(await sha256Of(join(server.home, 'f.bin')));
    expect((await proxy.stats()).bytesDown - before).toBeLessThan(SIZE);
    expect(await readdir(directory)).toEqual(['old.bin']);
  });
});

function sshOf({ host, port, user, identityFile, knownHostsFile }: TestServer): GetOptions['ssh'] {
  return { host, port, user, identityFiles: [identityFile], options: [`UserKnownHostsFile=${knownHostsFile}`] };
}

/** The program itself may lie where only root may read: it is loaded before the user changes. */
async function getAs(uid: number, options: GetOptions, home: string): Promise<unknown> {
  const program = `
    import { get } from ${JSON.stringify(join(repoRoot, 'dist/index.js'))};
    process.setegid(${uid});
    process.seteuid(${uid});
    console.log(JSON.stringify(await get(${JSON.stringify(options)})));`;
  const args = ['--input-type=module', '-e', program];
  return JSON.parse((await runOk(process.execPath, args, { env: cleanEnvironment(home) })).stdout);
}

describeWithServers(['sshd', 'root'], 'a download by a user who may do little', () => {
  it.each([
    ['a directory that may not be written', 0o755, 'd/new.bin'],
    ['a directory that may not be entered', 0o700, 'd/new.bin'],
    ['the old target in a directory that may not be written', 0o755, 'd/old.bin'],
  ])('4: %s', async (_, mode, name) => {
    const server = await serverWithFile();
    // A user who may do nothing but read the key and the list of host keys.
    const home = await tempDirForTest();
    await chmod(home.path, 0o755);
    const directory = home.file('d');
    await mkdir(directory);
    await writeFile(join(directory, 'old.bin'), 'old');
    await chmod(directory, mode);
    const own = home.file('own');
    await mkdir(own);
    for (const [file, place] of [['identityFile', 'key'] as const, ['knownHostsFile', 'known'] as const]) {
      await writeFile(join(own, place), await readFile(server[file]), { mode: 0o600 });
      await chown(join(own, place), 65_534, 65_534);
    }
    await chown(own, 65_534, 65_534);
    const placed = { ...server, identityFile: join(own, 'key'), knownHostsFile: join(own, 'known') };
    const ssh = sshOf(placed);
    const result = await getAs(65_534, { sources: ['f.bin'], destination: home.file(name), ssh }, own);
    expect(result).toMatchObject({ exitCode: 4, error: { message: expect.stringMatching(/permission/i) } });
    expect(await readdir(directory)).toEqual(['old.bin']);
    expect(await readFile(join(directory, 'old.bin'), 'utf8')).toBe('old');
  });
});

describeWithServers(['sshd'], 'get() of the library', () => {
  it('copies by paths as text and as bytes, with events', async () => {
    const server = await serverWithFile();
    const dir = await tempDirForTest();
    const ssh = sshOf(server);
    const environment = { XDG_STATE_HOME: dir.file('state') };
    const types = new Set<string>();
    for (const path of ['f.bin', Buffer.from('f.bin')]) {
      const destination = typeof path === 'string' ? dir.file('text.bin') : Buffer.from(dir.file('bytes.bin'));
      const result = await get(
        { sources: [path], destination, ssh, connections: 3 },
        { environment, onEvent: ({ type }) => types.add(type) },
      );
      expect(result).toMatchObject({ exitCode: 0, filesDone: 1, connectionsUsed: 3, verified: { byDigest: SIZE } });
      expect(await sha256Of(destination.toString())).toBe(await sha256Of(join(server.home, 'f.bin')));
    }
    expect([...types]).toEqual(expect.arrayContaining(['connection', 'file', 'result']));
    const missing = await get({ sources: ['none'], destination: dir.file('x'), ssh }, { environment });
    expect(missing).toMatchObject({ exitCode: 3, error: { code: 'source-missing' } });
    await expect(stat(dir.file('x'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
