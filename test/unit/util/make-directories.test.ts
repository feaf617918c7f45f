import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeDirectories } from '../../../src/util/make-directories.ts';
import { tempDirForTest } from '../../support/for-one-test.ts';
import { repoRoot } from '../../support/repo-root.ts';

test('makes what is missing, with the mode, and leaves what is there', async () => {
  const dir = await tempDirForTest();
  await mkdir(dir.file('old'), { mode: 0o755 });
  await makeDirectories(dir.file('old', 'a', 'b', 'c'), 0o700);
  for (const name of ['a', 'a/b', 'a/b/c']) expect((await stat(dir.file('old', name))).mode & 0o777).toBe(0o700);
  expect((await stat(dir.file('old'))).mode & 0o777).toBe(0o755);
  await makeDirectories(dir.file('old', 'a', 'b', 'c'), 0o700);
  await makeDirectories('/', 0o700);
});

test('a link to a directory is one', async () => {
  const dir = await tempDirForTest();
  await mkdir(dir.file('real'));
  await symlink('real', dir.file('link'));
  await makeDirectories(dir.file('link', 'below'), 0o700);
  expect((await stat(dir.file('real', 'below'))).isDirectory()).toBe(true);
});

test('many at once make the same', async () => {
  const dir = await tempDirForTest();
  await Promise.all(Array.from({ length: 20 }, () => makeDirectories(dir.file('a', 'b', 'c', 'd'), 0o700)));
  expect((await stat(dir.file('a', 'b', 'c', 'd'))).isDirectory()).toBe(true);
});

test.each([
  ['at the end', 'file', 'EEXIST'],
  ['on the way', 'file/a/b', 'ENOTDIR'],
] as const)('a file %s is in the way', async (_, path, code) => {
  const dir = await tempDirForTest();
  await writeFile(dir.file('file'), '');
  await expect(makeDirectories(dir.file(path), 0o700)).rejects.toMatchObject({ code });
});

test.runIf(process.platform === 'linux')('ends where the file system lets nobody make anything', async () => {
  await expect(makeDirectories('/proc/mt-copy-tools/a/b', 0o700)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('no directory is made in the way that may never end', () => {
  const sources = readdirSync(join(repoRoot, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  );
  const recursive = sources.filter((path) => /recursive: true/.test(readFileSync(join(repoRoot, 'src', path), 'utf8')));
  expect(recursive).toEqual([]);
});
