import { spawnSync } from 'node:child_process';
import { chmod, lstat, mkdir, readdir, readlink, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LocalTree } from '../../../../src/engine/local/local-tree.ts';
import { EntryBudget } from '../../../../src/engine/tree/entry-list.ts';
import { tempDirForTest } from '../../../support/for-one-test.ts';

const MTIME_MS = 1_600_000_000_000;

async function scene(side: 'source' | 'target' = 'target') {
  const dir = await tempDirForTest();
  const path = (name: string): Buffer => Buffer.from(dir.file(name));
  return { dir, path, tree: new LocalTree(side) };
}

describe('a listing', () => {
  test('has each entry with its attributes, and follows no link', async () => {
    const { dir, path, tree } = await scene();
    await writeFile(path('f'), '12345');
    await chmod(path('f'), 0o640);
    await utimes(path('f'), 1, MTIME_MS / 1000);
    await mkdir(path('d'));
    await symlink('nowhere', path('l'));
    spawnSync('mkfifo', [dir.file('p')]);
    const list = await tree.list(Buffer.from(dir.path), { budget: new EntryBudget() });
    const found = Array.from({ length: list.length }, (_, index) => [list.name(index).toString(), list.kind(index)]);
    expect(found.sort()).toEqual([
      ['d', 'directory'],
      ['f', 'file'],
      ['l', 'link'],
      ['p', 'other'],
    ]);
    expect(list.attributes(list.find(Buffer.from('f'))!)).toEqual({
      kind: 'file',
      size: 5,
      mode: 0o640,
      mtimeMs: MTIME_MS,
    });
  });

  test('has names of any bytes, and many', async () => {
    const { dir, tree } = await scene();
    const names = Array.from({ length: 100 }, (_, n) => Buffer.from([0xff, 0x80 + n]));
    await Promise.all(names.map((name) => writeFile(Buffer.concat([Buffer.from(`${dir.path}/`), name]), '')));
    const list = await tree.list(Buffer.from(dir.path), { budget: new EntryBudget() });
    expect(names.filter((name) => list.find(name) === undefined)).toEqual([]);
  });

  test('ends at the limit, and gives back what it held where it fails', async () => {
    const { dir, path, tree } = await scene();
    for (const name of 'abc') await writeFile(path(name), '');
    expect((await tree.list(Buffer.from(dir.path), { budget: new EntryBudget(), limit: 2 })).length).toBe(2);
    const budget = new EntryBudget(2);
    await expect(tree.list(Buffer.from(dir.path), { budget })).rejects.toMatchObject({
      code: 'too-many-entries',
      message: expect.stringContaining(dir.path),
    });
    expect([budget.take(), budget.take()]).toEqual([true, true]);
  });

  test.each([
    ['source', 'source-missing'],
    ['target', 'destination-refused'],
  ] as const)('a %s that is missing: %s', async (side, code) => {
    const { path, tree } = await scene(side);
    await expect(tree.list(path('missing'), { budget: new EntryBudget() })).rejects.toMatchObject({
      scope: 'file',
      code,
    });
  });

  test('an entry that cannot be looked at is a failure, and is not left out', async () => {
    const { dir, tree } = await scene('source');
    // The directory can be listed, but the paths of what is in it are too long.
    const name = 'd'.repeat(200);
    const depth = Math.floor((4095 - dir.path.length) / 201);
    const script = 'i=0; while [ $i -lt "$2" ]; do mkdir "$1" && cd "$1" || exit 1; i=$((i + 1)); done; mkdir "$1"';
    expect(spawnSync('sh', ['-c', script, 'sh', name, String(depth)], { cwd: dir.path }).status).toBe(0);
    onTestFinished(() => void spawnSync('rm', ['-rf', name], { cwd: dir.path }));
    const path = Buffer.from(dir.path + `/${name}`.repeat(depth));
    await expect(tree.list(path, { budget: new EntryBudget() })).rejects.toMatchObject({ scope: 'file' });
  });
});

test('what is missing is looked at as nothing, also below a file', async () => {
  const { path, tree } = await scene();
  await writeFile(path('f'), '');
  await symlink('nowhere', path('l'));
  const looks = [tree.stat(path('x')), tree.lstat(path('x')), tree.stat(path('f/x')), tree.stat(path('l'))];
  expect(await Promise.all(looks)).toEqual([undefined, undefined, undefined, undefined]);
  expect((await tree.lstat(path('l')))?.kind).toBe('link');
});

describe('directories', () => {
  test('are made with their mode, and one that exists is no failure', async () => {
    const { path, tree } = await scene();
    await tree.makeDirectory(path('d'), 0o700);
    await tree.makeDirectory(path('d'), 0o755);
    expect((await stat(path('d'))).mode & 0o777).toBe(0o700);
  });

  test.each([
    ['a file', (path: Buffer) => writeFile(path, '')],
    ['a link to a directory', (path: Buffer) => symlink('/', path)],
  ])('are not made where %s is', async (_, prepare) => {
    const { path, tree } = await scene();
    await prepare(path('d'));
    await expect(tree.makeDirectory(path('d'), 0o755)).rejects.toMatchObject({ exitCode: 4 });
  });

  test('are made durable', async () => {
    const { dir, path, tree } = await scene();
    await expect(tree.syncDirectory(Buffer.from(dir.path))).resolves.toBeUndefined();
    await expect(tree.syncDirectory(path('missing'))).rejects.toMatchObject({ scope: 'file' });
  });
});

test.each([-86_400_000, 0, MTIME_MS, 5_000_000_000_000])('mode and time %d are set', async (mtimeMs) => {
  const { path, tree } = await scene();
  await writeFile(path('f'), '');
  await tree.setAttributes(path('f'), { mode: 0o4751 });
  await tree.setAttributes(path('f'), { mtimeMs });
  const found = await lstat(path('f'));
  expect([found.mode & 0o7777, found.mtimeMs]).toEqual([0o751, mtimeMs]);
});

test('links are made, read and removed, with any text', async () => {
  const { dir, path, tree } = await scene();
  const text = Buffer.from([0x2f, 0xff]);
  await tree.makeLink(path('l'), text);
  expect(await readlink(path('l'), { encoding: 'buffer' })).toEqual(text);
  expect(await tree.readLink(path('l'))).toEqual(text);
  await expect(tree.makeLink(path('l'), text)).rejects.toMatchObject({ exitCode: 4 });
  await tree.remove(path('l'));
  await tree.remove(path('l'));
  expect(await readdir(dir.path)).toEqual([]);
});

test('the real path has no links, and no path is where the program is', async () => {
  const { path, tree } = await scene();
  await mkdir(path('d'));
  await symlink('d', path('l'));
  expect(await tree.realPath(path('l/.'))).toEqual(await tree.realPath(path('d')));
  expect((await tree.realPath(Buffer.alloc(0))).toString()).toBe(process.cwd());
  await expect(tree.realPath(path('x'))).rejects.toMatchObject({ scope: 'file' });
});
