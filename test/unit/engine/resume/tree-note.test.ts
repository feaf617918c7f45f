import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { JournalStore } from '../../../../src/engine/resume/file-journal.ts';
import { pruneJournals } from '../../../../src/engine/resume/journal-place.ts';
import { type NotedTree, TreeNote } from '../../../../src/engine/resume/tree-note.ts';
import type { CopyError } from '../../../../src/errors.ts';
import { tempDirForTest } from '../../../support/for-one-test.ts';

const TREE: NotedTree = { direction: 'upload', source: Buffer.from('/s'), target: Buffer.from('/t') };
const IDENTITY = { host: 'h', port: 22, user: 'u' };

async function scene() {
  const dir = await tempDirForTest();
  const directory = dir.file('state', 'own');
  const failures: CopyError[] = [];
  const store = {
    directory,
    identity: IDENTITY,
    machine: 'm',
    resume: true,
    onFailed: (error: CopyError) => void failures.push(error),
  };
  const note = (tree: Partial<NotedTree> = {}, more: Partial<JournalStore> = {}): TreeNote =>
    new TreeNote({ ...store, ...more }, { ...TREE, ...tree });
  return { dir, directory, failures, note };
}

test('is there from when it is written until it is removed', async () => {
  const { directory, failures, note } = await scene();
  expect(await note().isThere()).toBe(false);
  await note().write();
  await note().write();
  expect(await note().isThere()).toBe(true);
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  await note().remove();
  await note().remove();
  expect([await note().isThere(), await readdir(directory), failures]).toEqual([false, [], []]);
});

test.each<[what: string, tree: Partial<NotedTree>, store: Partial<JournalStore>]>([
  ['in the other direction', { direction: 'download' }, {}],
  ['from another source', { source: Buffer.from('/s2') }, {}],
  ['to another target', { target: Buffer.from('/t2') }, {}],
  [
    'of names whose bytes only follow one another in the same way',
    { source: Buffer.from('/s/'), target: Buffer.from('t') },
    {},
  ],
  ['on another server', {}, { identity: { ...IDENTITY, host: 'other' } }],
  ['on another port', {}, { identity: { ...IDENTITY, port: 2222 } }],
  ['of another user', {}, { identity: { ...IDENTITY, user: 'other' } }],
  ['on another machine', {}, { machine: 'other' }],
  ['with --no-resume', {}, { resume: false }],
])('says nothing about a copy %s', async (_, tree, store) => {
  const { note } = await scene();
  await note().write();
  expect(await note(tree, store).isThere()).toBe(false);
});

test('where it cannot be written, that is told and has no other effect', async () => {
  const { dir, failures, note } = await scene();
  await writeFile(dir.file('state'), '');
  await note().write();
  expect(failures).toMatchObject([{ code: 'local-io', advice: expect.stringContaining('SOURCE/.') }]);
  expect(await note().isThere()).toBe(false);
});

test('is removed with the journals when it is old', async () => {
  const { directory, note } = await scene();
  await mkdir(directory, { recursive: true });
  await chmod(directory, 0o700);
  await note().write();
  expect(await pruneJournals(directory)).toBe(0);
  expect(await pruneJournals(directory, { nowMs: Date.now() + 91 * 24 * 60 * 60 * 1000 })).toBe(1);
});
