import { existsSync } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { drainTo } from '../../../../src/engine/runner/descriptor-drain.ts';
import { targetError } from '../../../../src/engine/runner/target-error.ts';
import { tempDirForTest } from '../../../support/for-one-test.ts';
import { mountSmallDisk } from '../../../support/small-disk.ts';

const KIB = 1024;

const bytes = (length: number, first: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => first + i));

async function opened(path: string, flags: string): Promise<FileHandle> {
  const file = await open(path, flags);
  onTestFinished(() => file.close());
  return file;
}

async function sink(): Promise<{ path: string; file: FileHandle }> {
  const path = (await tempDirForTest()).file('sink');
  return { path, file: await opened(path, 'w') };
}

test('writes several views to an offset, one after another', async () => {
  const { path, file } = await sink();
  await file.write(Buffer.alloc(40, '.'));
  await drainTo(file.fd)([bytes(3, 1), Buffer.alloc(0), bytes(5, 4), bytes(1, 9)], 10);
  const there = await readFile(path);
  expect(there.length).toBe(40);
  expect(there.subarray(10, 19).equals(bytes(9, 1))).toBe(true);
  expect(there.subarray(0, 10).toString() + there.subarray(19).toString()).toBe('.'.repeat(31));
});

test('leaves a hole before what is beyond the end', async () => {
  const { path, file } = await sink();
  await drainTo(file.fd)([bytes(2, 1)], 1000);
  expect((await readFile(path)).equals(Buffer.concat([Buffer.alloc(1000), bytes(2, 1)]))).toBe(true);
});

test('any order, many at a time, also beyond 4 GiB', async () => {
  const { path, file } = await sink();
  const drain = drainTo(file.fd);
  const offsets = [2 ** 32 + 5, 7, 2 ** 33, 0];
  await Promise.all(offsets.map((offset, index) => drain([bytes(4, index)], offset)));
  const back = await opened(path, 'r');
  for (const [index, offset] of offsets.entries()) {
    const view = Buffer.alloc(4);
    await back.read(view, 0, 4, offset);
    expect(view.equals(bytes(4, index)), `at ${offset}`).toBe(true);
  }
});

test.each([[[]], [[Buffer.alloc(0)]], [[Buffer.alloc(0), Buffer.alloc(0)]]])(
  'nothing is nothing: %j',
  async (views) => {
    const { path, file } = await sink();
    await drainTo(file.fd)(views, 10);
    expect((await readFile(path)).length).toBe(0);
  },
);

test('a descriptor that may not be written is a local failure', async () => {
  const { path } = await sink();
  const file = await opened(path, 'r');
  await expect(drainTo(file.fd)([bytes(1, 1)], 0)).rejects.toMatchObject({ code: 'local-io', exitCode: 11 });
});

test.skipIf(!existsSync('/dev/full'))('a full disk is told as one, and that it is the local one', async () => {
  const file = await opened('/dev/full', 'w');
  await expect(drainTo(file.fd)([bytes(1, 1)], 0)).rejects.toMatchObject({
    code: 'no-space',
    exitCode: 4,
    message: expect.stringMatching(/^The local file cannot be written: ENOSPC: no space left on device\.$/),
    advice: expect.stringMatching(/local/),
  });
});

test.each([
  ['ENOSPC', 'no-space'],
  ['EDQUOT', 'no-space'],
  ['EIO', 'local-io'],
  ['EFBIG', 'no-space'],
  ['EROFS', 'destination-permission'],
  [undefined, 'local-io'],
])('%s is %s', (code, expected) => {
  const error = Object.assign(new Error('words'), { code });
  expect(targetError(error, 'The local file')).toMatchObject({ code: expected, cause: error });
});

test('a disk that gets full takes a part, and then tells that it is full', async (context) => {
  const dir = await tempDirForTest();
  const disk = await mountSmallDisk(dir.file('small'), 64 * KIB);
  if (typeof disk === 'string') return context.skip(`no file system may be mounted here: ${disk}`);
  const file = await open(dir.file('small', 'sink'), 'w');
  try {
    const views = [Buffer.alloc(40 * KIB, 'a'), Buffer.alloc(40 * KIB, 'b')];
    await expect(drainTo(file.fd)(views, 0)).rejects.toMatchObject({ code: 'no-space' });
    expect((await file.stat()).size).toBeLessThanOrEqual(64 * KIB);
  } finally {
    await file.close();
    disk.unmount();
  }
});
