import { stat } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { tempDirForTest } from '../../support/for-one-test.ts';
import { makeTree } from '../../support/make-tree.ts';
import {
  asCopied,
  bytesName,
  entryOf,
  expectCopied,
  filesIn,
  leavingOut,
  listTree,
  readTree,
  without,
} from '../../support/tree.ts';

const PLAN = {
  './': { mode: 0o750, mtime: 1_300_000_000 },
  a: 'content',
  'sub/deep/': { mode: 0o500, mtime: -86_400 },
  'sub/deep/b': { size: 1_500_000, mode: 0o4755, mtime: 2_208_988_800 },
  'sub/link': { link: '../a\xff' },
  'caf\xe9\n': '',
  [bytesName('日本')]: 3,
  pipe: { special: 'fifo' },
  socket: { special: 'socket' },
  'empty/': {},
} as const;

it('a tree is read as it was described', async () => {
  const dir = await tempDirForTest();
  await makeTree(dir.file('t'), PLAN);
  const tree = await readTree(dir.file('t'));
  expect(Object.keys(tree)).toEqual(
    [
      './',
      'a',
      'sub/',
      'sub/deep/',
      'sub/deep/b',
      'sub/link',
      'caf\xe9\n',
      bytesName('日本'),
      'pipe',
      'socket',
      'empty/',
    ].sort(),
  );
  expect(tree).toMatchObject({
    './': { kind: 'directory', mode: '0750', mtime: 1_300_000_000 },
    a: { kind: 'file', mode: '0644', mtime: 1_500_000_000, size: 7 },
    'sub/': { kind: 'directory', mode: '0755', mtime: 1_400_000_000 },
    'sub/deep/': { kind: 'directory', mode: '0500', mtime: -86_400 },
    'sub/deep/b': { kind: 'file', mode: '4755', mtime: 2_208_988_800, size: 1_500_000 },
    'sub/link': { kind: 'link', text: '../a\xff' },
    pipe: { kind: 'other' },
    socket: { kind: 'other' },
  });
  expect(asCopied(tree)['sub/deep/b']!.mode).toBe('0755');
  expect(without(tree, 'mode', 'mtime')['empty/']).toEqual({ kind: 'directory' });
  expect(Object.keys(leavingOut(tree, (path) => path !== 'a'))).toEqual(['a']);
  expect(await entryOf(dir.file('t'), 'missing')).toBeUndefined();
  expect(await filesIn(dir.file('t'))).toEqual(['a', 'caf\xe9\n', 'sub/deep/b', bytesName('日本')].sort());
  const lines = await listTree(dir.file('t'));
  expect(lines).toEqual(expect.arrayContaining(['a=content', 'empty/', 'pipe?', 'sub/link -> ../a\xff']));
});

it('the same description gives the same tree, and a difference is seen', async () => {
  const dir = await tempDirForTest();
  const { pipe, socket, 'sub/deep/b': setuid, ...plan } = PLAN;
  for (const name of ['one', 'two']) await makeTree(dir.file(name), plan);
  await expectCopied(dir.file('one'), dir.file('two'));
  await makeTree(dir.file('three'), { ...plan, a: { content: 'CONTENT' } });
  await expect(expectCopied(dir.file('one'), dir.file('three'))).rejects.toThrow();
  expect((await stat(dir.file('one/a'))).size).toBe(7);
});
