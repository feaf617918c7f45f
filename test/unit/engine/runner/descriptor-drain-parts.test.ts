/** A system that takes only a part of what it is given, as a signal or a network file system can make it. */
import { open, readFile } from 'node:fs/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { drainTo } from '../../../../src/engine/runner/descriptor-drain.ts';
import { tempDirForTest } from '../../../support/for-one-test.ts';

/** The most of one call. */
const system = vi.hoisted(() => ({ most: 0 }));

vi.mock('node:fs', async (importOriginal) => {
  const [fs, { promisify }] = await Promise.all([importOriginal<typeof import('node:fs')>(), import('node:util')]);
  const real = promisify(fs.writev);
  const inParts = async (fd: number, views: Uint8Array[], position: number) => {
    const bytes = Buffer.concat(views).subarray(0, system.most);
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
