import { createHash } from 'node:crypto';
import { mkdir, readdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { journalPath, pruneJournals, stateDirectory } from '../../../../src/engine/resume/journal-place.ts';
import { makeTempDir } from '../../../support/temp-dir.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

test.each([
  ['not set', undefined, '/home/me/.local/state/mt-copy-tools'],
  ['empty', '', '/home/me/.local/state/mt-copy-tools'],
  ['relative', 'state', '/home/me/.local/state/mt-copy-tools'],
  ['absolute', '/var/state/', '/var/state/mt-copy-tools'],
])('where XDG_STATE_HOME is %s', (_, value, expected) => {
  expect(stateDirectory({ home: '/home/me', variables: { XDG_STATE_HOME: value } }, 'linux')).toBe(expected);
});

test('other systems have a place of their own', () => {
  const variables = { XDG_STATE_HOME: '/state' };
  for (const platform of ['darwin', 'win32'] as const) {
    const directory = stateDirectory({ home: '/home/me', variables }, platform);
    expect(directory).toMatch(/mt-copy-tools/);
    expect(directory).not.toMatch(/nodejs|^\/state/);
  }
});

const server = { host: 'backup.example', port: 22, user: 'me' };

test('the name follows from server, path and machine', () => {
  const hash = createHash('sha256').update('["backup.example",22,"me","m"]\0/srv/file').digest('hex');
  expect(journalPath('/state', server, Buffer.from('/srv/file'), 'm')).toBe(`/state/${hash.slice(0, 32)}.journal`);
});

test('every other target has another name', () => {
  const target = Buffer.from('/srv/file');
  const names = [
    journalPath('/', server, target, 'm'),
    journalPath('/', server, Buffer.from('/srv/file2'), 'm'),
    journalPath('/', server, Buffer.from([0xff]), 'm'),
    journalPath('/', server, Buffer.from([0xfe]), 'm'),
    journalPath('/', { ...server, port: 2222 }, target, 'm'),
    journalPath('/', { ...server, host: 'other' }, target, 'm'),
    journalPath('/', { ...server, user: 'you' }, target, 'm'),
    journalPath('/', server, target, 'another machine'),
    journalPath('/', server, target, 'm', 'download'),
  ];
  expect(new Set(names).size).toBe(names.length);
});

test('old journals go, and nothing else', async () => {
  const dir = await makeTempDir('prune');
  onTestFinished(dir.remove);
  const nowMs = Date.now();
  const name = (digit: string): string => `${digit.repeat(32)}.journal`;
  const put = async (file: string, ageDays: number): Promise<void> => {
    await writeFile(dir.file(file), '');
    const time = (nowMs - ageDays * DAY_MS) / 1000;
    await utimes(dir.file(file), time, time);
  };
  await put(name('a'), 91);
  await put(name('b'), 89);
  await put(name('c'), 500);
  await put(name('1'), -5);
  await put(`${name('d')}.0123456789ab.tmp`, 2);
  await put(`${name('e')}.0123456789ab.tmp`, 0.5);
  const others = ['notes.txt', 'a.journal', name('F'), `x${name('a')}`, `${name('a')}~`, `${name('a')}.zz.tmp`];
  for (const file of others) await put(file, 500);
  await mkdir(dir.file(name('2')));
  await symlink(dir.file('notes.txt'), dir.file(name('3')));
  expect(await pruneJournals(dir.path, { nowMs: nowMs + 500 * DAY_MS })).toBe(6);
  const left = [name('2'), name('3'), ...others];
  expect((await readdir(dir.path)).sort()).toEqual(left.sort());
  await put(name('a'), 91);
  await put(name('b'), 89);
  await put(`${name('d')}.0123456789ab.tmp`, 2);
  await put(`${name('e')}.0123456789ab.tmp`, 0.5);
  expect(await pruneJournals(dir.path)).toBe(2);
  expect((await readdir(dir.path)).sort()).toEqual([...left, name('b'), `${name('e')}.0123456789ab.tmp`].sort());
});

test('only so many at a time', async () => {
  const dir = await makeTempDir('prune');
  onTestFinished(dir.remove);
  const names = Array.from({ length: 1010 }, (_, i) => `${String(i).padStart(32, '0')}.journal`);
  await Promise.all(names.map((name) => writeFile(dir.file(name), '')));
  const options = { nowMs: Date.now() + 100 * DAY_MS };
  expect(await pruneJournals(dir.path, options)).toBe(1000);
  expect(await pruneJournals(dir.path, options)).toBe(10);
});

test('a directory that is missing has none; one that cannot be read is told', async () => {
  const dir = await makeTempDir('prune');
  onTestFinished(dir.remove);
  const failures: unknown[] = [];
  const onFailure = (error: unknown): void => void failures.push(error);
  expect(await pruneJournals(join(dir.path, 'nothing'), { onFailure })).toBe(0);
  expect(failures).toEqual([]);
  await writeFile(dir.file('file'), '');
  expect(await pruneJournals(dir.file('file'), { onFailure })).toBe(0);
  expect(failures).toMatchObject([{ code: 'ENOTDIR' }]);
});
