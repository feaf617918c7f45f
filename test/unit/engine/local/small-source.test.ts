import { spawnSync } from 'node:child_process';
import { appendFile, chmod, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { readSmallSource } from '../../../../src/engine/local/small-source.ts';
import { tempDirForTest } from '../../../support/for-one-test.ts';

async function scene(bytes: string | Buffer = 'bytes') {
  const dir = await tempDirForTest();
  const path = Buffer.from(dir.file('f'));
  await writeFile(path, bytes);
  return { dir, path };
}

test.each([0, 1, 4096, 100_000])('%i bytes are read, with mode and time', async (size) => {
  const bytes = Buffer.alloc(size, 7);
  const { path } = await scene(bytes);
  await chmod(path, 0o640);
  await utimes(path, 1, 1_600_000_000.25);
  const source = await readSmallSource(path, 100_000);
  expect(source!.bytes.equals(bytes)).toBe(true);
  expect(source).toMatchObject({ mode: 0o640, mtimeMs: 1_600_000_000_250 });
  await expect(source!.checkUnchanged()).resolves.toBeUndefined();
});

test('one that is too long is not read', async () => {
  const { path } = await scene('12345');
  expect(await readSmallSource(path, 4)).toBeUndefined();
});

test.runIf(process.platform === 'linux')('one that does not end where its size says is not read', async () => {
  expect(await readSmallSource(Buffer.from('/proc/self/status'), 1000)).toBeUndefined();
});

test('a pipe that nobody writes is not waited for', async () => {
  const { dir } = await scene();
  spawnSync('mkfifo', [dir.file('p')]);
  await expect(readSmallSource(Buffer.from(dir.file('p')), 10)).rejects.toMatchObject({ code: 'source-unsupported' });
});

test('one that is missing', async () => {
  const { dir } = await scene();
  await expect(readSmallSource(Buffer.from(dir.file('x')), 10)).rejects.toMatchObject({ code: 'source-missing' });
});

test.each<[what: string, change: (path: Buffer, other: string) => Promise<unknown>]>([
  ['appended to', (path) => appendFile(path, 'x')],
  ['written again', (path) => writeFile(path, 'other')],
  ['given another time', (path) => utimes(path, 1, 1)],
  ['replaced', (path, other) => writeFile(other, 'bytes').then(() => rename(other, path))],
  ['removed', (path) => rm(path)],
])('a change is noticed: %s', async (_, change) => {
  const { dir, path } = await scene();
  const source = await readSmallSource(path, 10);
  await change(path, dir.file('other'));
  await expect(source!.checkUnchanged()).rejects.toMatchObject({ code: 'source-changed' });
});
