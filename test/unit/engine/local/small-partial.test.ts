import { lstat, mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { attributesOf } from '../../../../src/engine/local/local-target-files.ts';
import { type SmallFinalState, writeSmallFile } from '../../../../src/engine/local/small-partial.ts';
import { tempDirForTest } from '../../../support/for-one-test.ts';

const MTIME_MS = 1_600_000_000_000;
const FINAL: SmallFinalState = { mode: 0o640, mtimeMs: MTIME_MS, syncs: true };

async function scene() {
  const dir = await tempDirForTest();
  const path = Buffer.from(dir.file('f'));
  const write = (text: string, old?: ReturnType<typeof attributesOf>, final = FINAL) =>
    writeSmallFile({ path, old }, Buffer.from(text), final);
  return { dir, path, write };
}

test.each(['', 'bytes', 'x'.repeat(300_000)])('a new file', async (text) => {
  const { dir, path, write } = await scene();
  const { warnings, syncMs } = await write(text);
  expect(await readFile(path, 'utf8')).toBe(text);
  const found = await lstat(path);
  expect([found.mode & 0o7777, found.mtimeMs]).toEqual([0o640, MTIME_MS]);
  expect(await readdir(dir.path)).toEqual(['f']);
  expect(warnings).toEqual([]);
  expect(syncMs).toBeGreaterThanOrEqual(0);
});

test('is not synced where that is not wanted, and keeps mode and time of the system', async () => {
  const { path, write } = await scene();
  const before = Date.now();
  const { syncMs } = await write('x', undefined, { mode: undefined, mtimeMs: undefined, syncs: false });
  expect(syncMs).toBeUndefined();
  expect((await lstat(path)).mtimeMs).toBeGreaterThan(before - 5000);
});

test('takes the place of the file that was there, with a time of any precision', async () => {
  const { dir, path, write } = await scene();
  await writeFile(path, 'old');
  await utimes(path, 1, 1_600_000_000.123456);
  await write('new', attributesOf(await lstat(path)));
  expect(await readFile(path, 'utf8')).toBe('new');
  expect(await readdir(dir.path)).toEqual(['f']);
});

test.each<[what: string, change: (path: Buffer) => Promise<unknown>, code: string]>([
  ['a file that is new', (path) => writeFile(path, 'x'), 'target-busy'],
  ['a link, which is not followed', (path) => symlink('/nowhere', path), 'target-busy'],
  ['a directory', (path) => mkdir(path), 'destination-is-directory'],
])('what came meanwhile stays: %s', async (_, change, code) => {
  const { dir, path, write } = await scene();
  await change(path);
  const before = await lstat(path);
  await expect(write('bytes')).rejects.toMatchObject({ code });
  expect((await lstat(path)).ino).toBe(before.ino);
  expect(await readdir(dir.path)).toEqual(['f']);
});

test('where no partial file can be created, that is a failure of the destination', async () => {
  const { dir } = await scene();
  const path = Buffer.from(dir.file('missing/f'));
  await expect(writeSmallFile({ path, old: undefined }, Buffer.from('x'), FINAL)).rejects.toMatchObject({
    exitCode: 4,
  });
  expect(await readdir(dir.path)).toEqual([]);
});

test('times before 1970 and after 2038 are no failure', async () => {
  const { path, write } = await scene();
  for (const mtimeMs of [-86_400_000, 5_000_000_000_000]) {
    const old = await lstat(path).then(attributesOf, () => undefined);
    await write('x', old, { ...FINAL, mtimeMs });
    expect((await lstat(path)).mtimeMs).toBe(mtimeMs);
  }
});

test('many at once', async () => {
  const { dir } = await scene();
  const names = Array.from({ length: 50 }, (_, n) => `${n}`);
  const writing = names.map((name) =>
    writeSmallFile({ path: Buffer.from(dir.file(name)), old: undefined }, Buffer.from(name), FINAL),
  );
  await Promise.all(writing);
  expect((await readdir(dir.path)).sort()).toEqual([...names].sort());
});
