/** A system that takes only a part of what it is given, as a signal or a network file system can make it. */
import { open, readFile } from 'node:fs/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { drainTo } from '../../../../src/engine/runner/descriptor-drain.ts';
import { tempDirForTest } from '../../../support/for-one-test.ts';

/** The most of one call, and what each call was given. */
const system = vi.hoisted(() => ({ most: 0, calls: [] as { position: number; length: number }[] }));

vi.mock('node:fs', async (importOriginal) => {
  const [fs, { promisify }] = await Promise.all([importOriginal<typeof import('node:fs')>(), import('node:util')]);
  const real = promisify(fs.writev);
  const inParts = async (fd: number, views: Uint8Array[], position: number) => {
    const bytes = Buffer.concat(views).subarray(0, system.most);
    system.calls.push({ position, length: bytes.length });
    return bytes.length === 0 ? { bytesWritten: 0 } : real(fd, [bytes], position);
  };
  return { ...fs, writev: Object.assign(() => {}, { [promisify.custom]: inParts }) };
});

async function sink() {
  const path = (await tempDirForTest()).file('sink');
  const file = await open(path, 'w');
  onTestFinished(() => file.close());
  return { path, file };
}

test.each([1, 3, 4, 5, 7, 100])('%i bytes a call: all arrives where it belongs', async (most) => {
  system.most = most;
  const { path, file } = await sink();
  const views = ['', 'one', 'two, ', '', 'x', 'the last of them'].map((text) => Buffer.from(text));
  await drainTo(file.fd)(views, 5);
  expect((await readFile(path)).subarray(5).toString()).toBe('onetwo, xthe last of them');
});

test('a system that takes nothing, and says that all is well, is not asked for ever', async () => {
  system.most = 0;
  const { file } = await sink();
  await expect(drainTo(file.fd)([Buffer.from('x')], 0)).rejects.toMatchObject({ code: 'local-io' });
});

test('what arrives in one turn, and what arrives during a write, is written by one call as far as it is consecutive', async () => {
  system.most = 100;
  system.calls = [];
  const { path, file } = await sink();
  const drain = drainTo(file.fd);
  const first = [drain([Buffer.from('ab')], 0), drain([Buffer.from('c'), Buffer.from('d')], 2)];
  await null;
  await null;
  const second = [drain([Buffer.from('ef')], 4), drain([Buffer.from('gh')], 6), drain([Buffer.from('x')], 9)];
  await Promise.all([...first, ...second]);
  expect(system.calls).toEqual([
    { position: 0, length: 4 },
    { position: 4, length: 4 },
    { position: 9, length: 1 },
  ]);
  expect((await readFile(path)).toString()).toBe('abcdefgh\0x');
});

test('a write that fails fails what it was to write, and nothing else', async () => {
  system.most = 0;
  const { path, file } = await sink();
  const drain = drainTo(file.fd);
  const failed = Promise.allSettled([drain([Buffer.from('ab')], 0), drain([Buffer.from('cd')], 2)]);
  expect((await failed).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  system.most = 100;
  await drain([Buffer.from('ok')], 0);
  expect((await readFile(path)).toString()).toBe('ok');
});
