import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { cleanEnvironment, putArguments } from '../support/mtput.ts';
import { runOk } from '../support/process.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { repoRoot } from '../support/repo-root.ts';
import { startSshd } from '../support/sshd.ts';
import { makeTempDir } from '../support/temp-dir.ts';

describeWithServers(['sshd'], 'the package', () => {
  it('is packed, installed globally, and copies', { timeout: 180_000 }, async () => {
    const dir = await makeTempDir('package');
    onTestFinished(dir.remove);
    const server = await startSshd();
    onTestFinished(server.stop);
    // What it holds was built before the tests; building it again would disturb those beside this one.
    const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', dir.path];
    const { stdout } = await runOk('npm', pack, { cwd: repoRoot, timeoutMs: 60_000 });
    const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
    const paths = files.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'dist/cli/mt-copy-tools-cs.js',
        'dist/cli/mtput.js',
        'dist/index.js',
      ]),
    );
    expect(paths.filter((path) => /^(test|src|bench|demo|scripts)\//.test(path))).toEqual([]);

    await runOk('npm', ['install', '--global', '--prefix', dir.file('prefix'), dir.file(filename)], {
      cwd: dir.path,
      timeoutMs: 120_000,
    });
    const mtput = join(dir.file('prefix'), 'bin/mtput');
    expect((await runOk(mtput, ['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    await writeRandomFile(dir.file('f'), 5_000_000);
    const helper = join(dir.file('prefix'), 'bin/mt-copy-tools-cs');
    const digest = await runOk(helper, ['-m', 'sha256', '-f', dir.file('f')]);
    expect(digest.stdout).toBe(`${await sha256Of(dir.file('f'))}\n`);
    const env = cleanEnvironment(server.dir);
    await runOk(mtput, putArguments([dir.file('f')], { server, path: 'f' }), { env, timeoutMs: 60_000 });
    expect(await sha256Of(`${server.home}/f`)).toBe(await sha256Of(dir.file('f')));
  });
});
