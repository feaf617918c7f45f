import { execFileSync } from 'node:child_process';
import { chmod, mkdir, open, readFile, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openSource } from '../../../../src/engine/local/local-source.ts';
import { fillFrom } from '../../../../src/engine/runner/descriptor-fill.ts';
import { makeTempDir, type TempDir } from '../../../support/temp-dir.ts';

async function dirWith(content: string | Buffer): Promise<{ dir: TempDir; path: string; bytes: Buffer }> {
  const dir = await makeTempDir('source');
  onTestFinished(dir.remove);
  const path = dir.file('source');
  await writeFile(path, content);
  return { dir, path, bytes: Buffer.from(path) };
}

test('tells size, mode and time', async () => {
  const { path, bytes } = await dirWith('hello');
  await chmod(path, 0o640);
  await utimes(path, 1_700_000_000, 1_700_000_000.5);
  const source = await openSource(bytes);
  expect(source).toMatchObject({ size: 5, mode: 0o640, mtimeMs: 1_700_000_000_500 });
  await source.checkUnchanged();
  await source.close();
});

test('takes names that are not UTF-8', async () => {
  const { dir } = await dirWith('');
  const name = Buffer.concat([Buffer.from(dir.file('')), Buffer.from([0x2f, 0xff, 0xfe])]);
  await writeFile(name, 'odd');
  const source = await openSource(name);
  expect(source.size).toBe(3);
  await source.checkUnchanged();
  await source.close();
});

test.each([
  ['missing', 'source-missing', (dir: TempDir) => dir.file('nothing')],
  ['below a file', 'source-missing', (dir: TempDir) => dir.file('source', 'x')],
  ['a directory', 'source-unsupported', (dir: TempDir) => dir.path],
])('%s: %s', async (_, code, choose) => {
  const { dir } = await dirWith('x');
  await expect(openSource(Buffer.from(choose(dir)))).rejects.toMatchObject({ code, exitCode: 3 });
});

test('a FIFO is refused at once, though nobody writes to it', async () => {
  const { dir } = await dirWith('x');
  execFileSync('mkfifo', [dir.file('fifo')]);
  await expect(openSource(Buffer.from(dir.file('fifo')))).rejects.toMatchObject({ code: 'source-unsupported' });
});

test('an unreadable file', async () => {
  const { path, bytes } = await dirWith('x');
  await chmod(path, 0);
  await asOrdinaryUser(() =>
    expect(openSource(bytes)).rejects.toMatchObject({ code: 'source-unreadable', exitCode: 3 }),
  );
});

/** Root may read everything, so it is somebody else meanwhile. */
async function asOrdinaryUser(action: () => Promise<void>): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid?.('nobody');
  try {
    await action();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

test('a failure of the system other than a missing file is "unreadable", whoever asks', async () => {
  const { dir } = await dirWith('x');
  const tooLong = Buffer.from(dir.file('n'.repeat(300)));
  await expect(openSource(tooLong)).rejects.toMatchObject({ code: 'source-unreadable' });
});

test('control characters of a name do not get into a message', async () => {
  const error = await openSource(Buffer.from('/nowhere/\x1b[2J')).catch((failure: Error) => failure);
  expect(String(error)).not.toContain('\x1b');
});

test('fills several views from an offset', async () => {
  const { path } = await dirWith(Buffer.from(Array.from({ length: 256 }, (_, i) => i)));
  const file = await open(path);
  onTestFinished(() => file.close());
  const views = [Buffer.alloc(3), Buffer.alloc(0), Buffer.alloc(100), Buffer.alloc(1)];
  await fillFrom(file.fd)(views, 50);
  expect(Buffer.concat(views).equals((await readFile(path)).subarray(50, 154))).toBe(true);
});

test('a file that ends too early has changed', async () => {
  const { path } = await dirWith('0123456789');
  const file = await open(path);
  onTestFinished(() => file.close());
  const fill = fillFrom(file.fd);
  await expect(fill([Buffer.alloc(8), Buffer.alloc(8)], 0)).rejects.toMatchObject({ code: 'source-changed' });
  await expect(fill([Buffer.alloc(1)], 10)).rejects.toMatchObject({ code: 'source-changed', exitCode: 10 });
});

test('a descriptor that cannot be read is a local failure', async () => {
  const { dir } = await dirWith('x');
  const file = await open(dir.path);
  onTestFinished(() => file.close());
  await expect(fillFrom(file.fd)([Buffer.alloc(1)], 0)).rejects.toMatchObject({ code: 'local-io', exitCode: 11 });
});

/** The clock of the file system is coarse: until it has gone on, a change may leave no trace. */
async function afterTick(path: string): Promise<void> {
  const { ctimeNs } = await stat(path, { bigint: true });
  const other = `${path}.tick`;
  do await writeFile(other, '');
  while ((await stat(other, { bigint: true })).ctimeNs <= ctimeNs);
}

test.each([
  ['longer', async (path: string) => writeFile(path, 'more', { flag: 'a' })],
  ['shorter', async (path: string) => truncate(path, 1)],
  ['written, with its time put forward', async (path: string) => utimes(path, 5, 5)],
  [
    'changed and its time put back',
    async (path: string) => {
      const { atimeMs, mtimeMs } = await stat(path);
      await afterTick(path);
      await writeFile(path, 'HELLO');
      await utimes(path, atimeMs / 1000, mtimeMs / 1000);
    },
  ],
  [
    'replaced by an equal one',
    async (path: string) => {
      const { atimeMs, mtimeMs } = await stat(path);
      await writeFile(`${path}.new`, 'hello');
      await utimes(`${path}.new`, atimeMs / 1000, mtimeMs / 1000);
      await rename(`${path}.new`, path);
    },
  ],
  ['removed', async (path: string) => rm(path)],
  [
    'replaced by a directory',
    async (path: string) => {
      await rm(path);
      await mkdir(path);
    },
  ],
])('a source that is %s has changed', async (_, change) => {
  const { path, bytes } = await dirWith('hello');
  await utimes(path, 1_700_000_000, 1_700_000_000);
  const source = await openSource(bytes);
  await source.checkUnchanged();
  await change(path);
  await expect(source.checkUnchanged()).rejects.toMatchObject({ code: 'source-changed', exitCode: 10, scope: 'file' });
  await source.close();
});

test.runIf(process.platform === 'linux').each([
  ['more than it says', '/proc/cpuinfo', true],
  ['times of its own for each look', '/proc/self/net/tcp', true],
  ['less than it says', '/sys/kernel/mm/transparent_hugepage/enabled', true],
  ['what can be read in aligned parts alone', '/proc/self/pagemap', true],
])('a file that has %s is a stream', async (_, path, expected) => {
  const source = await openSource(Buffer.from(path));
  expect(source.isStream).toBe(expected);
  await source.checkUnchanged();
  await source.close();
});

test.each([0, 1, 4095, 4096, 4097, 8192, 100_000])('an ordinary file of %i bytes is none', async (size) => {
  const { bytes } = await dirWith(Buffer.alloc(size, 1));
  const source = await openSource(bytes);
  expect(source.isStream).toBe(false);
  await source.checkUnchanged();
  await source.close();
});
