/** The program as it is built. */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tempDirForTest } from '../../support/for-one-test.ts';
import { helperPath, installHelper } from '../../support/helper-program.ts';
import { type RunResult, run, runOk } from '../../support/process.ts';
import { byTier } from '../../support/tier.ts';

const content = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * i + (i >> 9)) & 0xff));

function hex(algorithm: string, bytes: Uint8Array = content): string {
  return createHash(algorithm).update(bytes).digest('hex');
}

function helper(...args: string[]): Promise<RunResult> {
  return run(process.execPath, [helperPath, ...args]);
}

async function sample() {
  const dir = await tempDirForTest();
  const path = dir.file('sample');
  await writeFile(path, content);
  return { dir, path };
}

describe('as one file', () => {
  test('it is small and needs nothing but Node', async () => {
    const text = await readFile(helperPath, 'utf8');
    expect((await stat(helperPath)).size).toBeLessThan(50_000);
    expect(text).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(text).not.toMatch(/^\s*(import|export)\b/m);
    const needed = [...text.matchAll(/require\("([^"]*)"\)/g)].map(([, name]) => name);
    expect(needed.length).toBeGreaterThan(0);
    for (const name of needed) expect(name).toMatch(/^node:/);
  });

  /** In the quick tier as it is installed, and the two for which Node takes it for a module. */
  const NAMES: readonly (readonly [string, string | undefined])[] = [
    ['mt-copy-tools-cs', undefined],
    ['mt-copy-tools-cs.mjs', undefined],
    ['mt-copy-tools-cs.js', 'module'],
    ['mt-copy-tools-cs.js', undefined],
    ['mt-copy-tools-cs.cjs', undefined],
    ['mt-copy-tools-cs.js', 'commonjs'],
  ];
  test.each(NAMES.slice(0, byTier(3, 6)))('it runs under the name %s, package type %s', async (name, type) => {
    const { dir, path } = await sample();
    await mkdir(dir.file('there'));
    await copyFile(helperPath, dir.file('there', name));
    if (type !== undefined) await writeFile(dir.file('there', 'package.json'), JSON.stringify({ type }));
    const { stdout } = await runOk(process.execPath, [dir.file('there', name), '-m', 'md5', '-f', path]);
    expect(stdout).toBe(`${hex('md5')}\n`);
  });

  test('it can be executed', async () => {
    const { dir, path } = await sample();
    const program = await installHelper(dir.path);
    const { stdout } = await runOk(program, ['-m', 'sha1', '-f', path]);
    expect(stdout).toBe(`${hex('sha1')}\n`);
  });

  test('it tells its version, and that it serves', async () => {
    const { version } = JSON.parse(await readFile(join(helperPath, '../../../package.json'), 'utf8'));
    expect(await helper('--version')).toMatchObject({ code: 0, stdout: `mt-copy-tools-cs ${version} (serve 1)\n` });
  });
});

describe('one range a run', () => {
  // Other tests of this file have the others.
  test.each(byTier(['sha512', 'Md5'], ['sha256', 'sha512', 'sha1', 'md5', 'SHA256', 'Md5']))(
    '-m %s',
    async (algorithm) => {
      const { path } = await sample();
      const result = await helper('-m', algorithm, '-f', path);
      expect(result).toEqual({ code: 0, signal: null, stdout: `${hex(algorithm)}\n`, stderr: '' });
    },
  );

  test.each([
    [['-s', '5'], content.subarray(5)],
    [['-l', '10'], content.subarray(0, 10)],
    [['-s', '1048570', '-l', '1048590'], content.subarray(1048570, 2097160)],
    [['-s=2999999', '--l=1'], content.subarray(2999999)],
    [['-s', '100', '-l', '0'], content.subarray(100)],
    [['-s', '3000000'], Buffer.alloc(0)],
  ])('%j', async (range, bytes) => {
    const { path } = await sample();
    expect(await helper('-m', 'sha256', '-f', path, ...range)).toMatchObject({
      code: 0,
      stdout: `${hex('sha256', bytes)}\n`,
    });
  });

  test('-h prints the usage', async () => {
    expect(await helper('-h')).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage'), stderr: '' });
  });

  test('a name may begin with a dash, and hold what it likes', async () => {
    const { dir } = await sample();
    for (const name of ['-m', '$(x)\n"\'', '--serve']) {
      await writeFile(dir.file(name), name);
      const { stdout } = await runOk(process.execPath, [helperPath, '-m', 'md5', '-f', name], { cwd: dir.path });
      expect(stdout).toBe(`${hex('md5', Buffer.from(name))}\n`);
    }
  });

  test.each([
    [1, []],
    [1, ['-m', 'md5']],
    [1, ['-f', 'sample']],
    [1, ['-m', 'md5', '-f', 'sample', '-x', '1']],
    [1, ['-m', 'md5', '-f', 'sample', '-s']],
    [1, ['--nonsense']],
    [2, ['-m', 'md5', '-f', 'missing']],
    [3, ['-m', 'md5', '-f', 'pipe']],
    [3, ['-m', 'md5', '-f', '.']],
    [3, ['-m', 'md5', '-f', '/dev/null']],
    [5, ['-m', 'crc32', '-f', 'sample']],
    [6, ['-m', 'md5', '-f', 'sample', '-l', '3000001']],
    [6, ['-m', 'md5', '-f', 'sample', '-s', '3000001']],
    [7, ['-m', 'md5', '-f', 'sample', '-s', '-1']],
    [7, ['-m', 'md5', '-f', 'sample', '-s', '99999999999999999999']],
    [8, ['-m', 'md5', '-f', 'sample', '-l', '0x10']],
    [8, ['-m', 'md5', '-f', 'sample', '-l', '']],
  ])('exit code %i for %j, and words on stderr', async (code, args) => {
    const { dir } = await sample();
    await runOk('mkfifo', [dir.file('pipe')]);
    const result = await run(process.execPath, [helperPath, ...args], { cwd: dir.path });
    expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(/\w.*\n$/) });
  });

  test('a link is followed', async () => {
    const { dir, path } = await sample();
    await symlink(path, dir.file('link'));
    expect(await helper('-m', 'md5', '-f', dir.file('link'))).toMatchObject({ code: 0, stdout: `${hex('md5')}\n` });
  });

  test('a file beyond 4 GiB', async () => {
    const { path } = await sample();
    await truncate(path, 2 ** 33);
    const result = await helper('-m', 'md5', '-f', path, '-s', `${2 ** 33 - 100}`, '-l', '100');
    expect(result).toMatchObject({ code: 0, stdout: `${hex('md5', Buffer.alloc(100))}\n` });
  });
});
