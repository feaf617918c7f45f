import { chmod, chown, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { headerLine, recordLine } from '../../../../src/engine/resume/journal-records.ts';
import { run } from '../../../support/process.ts';
import { journalScene } from './journal-scene.ts';
import { digestA, digestB, sampleHeader } from './sample.ts';

const { line: firstLine, seed } = headerLine(sampleHeader());
const range = { offset: 0, length: 100 };
const piece = { ...range, state: 'durable', digest: digestA } as const;
const pieceLine = recordLine({ kind: 'piece', ...piece }, seed);

test('a new one has a header, and is for nobody else', async () => {
  const { path, create, failures } = await journalScene();
  const journal = await create();
  expect(await readFile(path, 'utf8')).toBe(firstLine);
  const modes = await Promise.all([path, dirname(path), dirname(dirname(path))].map(async (p) => (await stat(p)).mode));
  expect(modes.map((mode) => mode & 0o7777)).toEqual([0o600, 0o700, 0o700]);
  expect(journal).toMatchObject({ header: sampleHeader(), path, known: [], staged: undefined });
  await journal.close();
  expect(await readdir(dirname(path)), 'nothing is left beside it').toEqual(['j.journal']);
  expect(failures).toEqual([]);
});

test('another run reads what was flushed, and goes on', async () => {
  const { path, create, open } = await journalScene();
  const journal = await create();
  journal.record(range, 'durable', digestA);
  journal.record({ offset: 100, length: 100 }, 'acknowledged');
  journal.sawStaged({ size: 200, mtimeMs: 5000, atMs: 6000 });
  await journal.flush();
  expect(await readFile(path, 'utf8')).toBe(
    firstLine +
      pieceLine +
      recordLine({ kind: 'piece', offset: 100, length: 100, state: 'acknowledged' }, seed) +
      recordLine({ kind: 'staged', size: 200, mtimeMs: 5000, atMs: 6000 }, seed),
  );
  // Killed here: it is never closed.
  const second = await open();
  expect(second).toMatchObject({ header: sampleHeader(), staged: { size: 200, mtimeMs: 5000, atMs: 6000 } });
  expect(second?.known).toEqual([piece, { offset: 100, length: 100, state: 'acknowledged' }]);
  second?.record({ offset: 0, length: 200 }, 'verified');
  second?.sawStaged({ size: 1000, atMs: 7000 });
  await second?.close();
  await journal.close();
  const third = await open();
  expect(third?.staged).toEqual({ size: 1000, atMs: 7000 });
  expect(third?.known).toEqual([
    { ...piece, state: 'verified' },
    { offset: 100, length: 100, state: 'verified' },
  ]);
});

test('there is none where nothing is', async () => {
  const { open, failures } = await journalScene();
  expect(await open()).toBeUndefined();
  expect(failures).toEqual([]);
});

test('what is known already is not written again', async () => {
  const { path, create } = await journalScene();
  const journal = await create();
  journal.record(range, 'durable', digestA);
  journal.record(range, 'durable', digestA);
  journal.record({ offset: 10, length: 20 }, 'acknowledged');
  await journal.close();
  expect(await readFile(path, 'utf8')).toBe(firstLine + pieceLine);
});

test('what is forgotten, or replaced by other bytes, is gone from the file too', async () => {
  const { path, create, open } = await journalScene();
  const journal = await create();
  journal.record(range, 'durable', digestA);
  journal.record({ offset: 500, length: 100 }, 'durable', digestA);
  journal.sawStaged({ size: 600, atMs: 1 });
  await journal.flush();
  journal.forget({ offset: 99, length: 1 });
  journal.record({ offset: 500, length: 100 }, 'acknowledged', digestB);
  journal.record({ offset: 700, length: 100 }, 'acknowledged');
  await journal.flush();
  expect(await readFile(path, 'utf8')).not.toContain(digestA);
  journal.record({ offset: 800, length: 1 }, 'verified');
  await journal.close();
  const again = await open();
  expect(again?.staged).toEqual({ size: 600, atMs: 1 });
  expect(again?.known).toEqual([
    { offset: 0, length: 99, state: 'durable' },
    { offset: 500, length: 100, state: 'acknowledged', digest: digestB },
    { offset: 700, length: 100, state: 'acknowledged' },
    { offset: 800, length: 1, state: 'verified' },
  ]);
  const before = (await stat(path)).ino;
  again?.forget({ offset: 900, length: 100 });
  await again?.close();
  expect((await stat(path)).ino, 'nothing was known of it').toBe(before);
});

test('many calls at once, with records between them, lose nothing', async () => {
  const { create, open } = await journalScene();
  const journal = await create();
  const calls: Promise<void>[] = [];
  for (let offset = 0; offset < 1000; offset += 10) {
    journal.record({ offset, length: 5 }, 'durable');
    calls.push(journal.flush(), journal.flush());
    if (offset % 70 === 0) await calls[offset / 10];
    if (offset % 300 === 0) journal.forget({ offset, length: 1 });
  }
  await Promise.all(calls);
  await journal.flush();
  expect((await open())?.known).toEqual(journal.known);
  expect(journal.known.length).toBe(100);
  await journal.close();
});

test('what is taken back while something else is being written is taken back from the file', async () => {
  const { create, open } = await journalScene();
  for (let turns = 0; turns < 12; turns++) {
    const journal = await create();
    journal.record(range, 'durable', digestA);
    await journal.flush();
    journal.record({ offset: 200, length: 1 }, 'durable');
    const flushed = journal.flush();
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
    journal.forget(range);
    await flushed;
    await journal.flush();
    expect((await open())?.known).toEqual([{ offset: 200, length: 1, state: 'durable' }]);
    await journal.close();
  }
});

test('a journal that is done is removed, whatever was still to be written', async () => {
  const { path, create, failures } = await journalScene();
  const journal = await create();
  journal.record(range, 'durable');
  void journal.flush();
  await journal.finish();
  await journal.flush();
  await journal.close();
  expect(await readdir(dirname(path))).toEqual([]);
  const gone = await create();
  await rm(path);
  await gone.finish();
  expect(failures).toEqual([]);
});

test.each([
  ['past the end', { offset: 999, length: 2 }, undefined],
  ['empty', { offset: 0, length: 0 }, undefined],
  ['negative', { offset: -1, length: 1 }, undefined],
  ['a fraction', { offset: 0, length: 0.5 }, undefined],
  ['with a digest that is none', range, 'abc'],
])('a range that is %s is a bug', async (_, wrong, digest) => {
  const { create } = await journalScene();
  const journal = await create();
  expect(() => journal.record(wrong, 'durable', digest)).toThrow(expect.objectContaining({ code: 'bug' }));
  await journal.close();
});

/** Grows the file by about `bytes`, without anything to be kept but the last. */
async function addWaste(
  journal: Awaited<ReturnType<Awaited<ReturnType<typeof journalScene>>['create']>>,
  bytes: number,
) {
  for (let written = 0; written < bytes; written += 55) journal.sawStaged({ size: 1, atMs: written });
  await journal.flush();
}

test('a file that is mostly waste is written anew, and says the same', async () => {
  const { path, create, open } = await journalScene();
  const journal = await create();
  journal.record(range, 'durable', digestA);
  await addWaste(journal, 900_000);
  expect((await stat(path)).size).toBeGreaterThan(800_000);
  await addWaste(journal, 300_000);
  expect((await stat(path)).size).toBeLessThan(1000);
  journal.record(range, 'verified');
  await journal.close();
  const again = await open();
  expect(again?.known).toEqual([{ ...piece, state: 'verified' }]);
  expect(again?.staged).toEqual(journal.staged);
});

test('a file that is large for good reason is left alone', async () => {
  const { path, create } = await journalScene();
  const journal = await create(sampleHeader(1e9));
  for (let offset = 0; offset < 8000; offset++) {
    journal.record({ offset, length: 1 }, 'durable', digestA);
    if (offset % 1000 === 999) await journal.flush();
  }
  const { ino, size } = await stat(path);
  expect(size).toBeGreaterThan(1024 * 1024);
  await addWaste(journal, 500_000);
  expect((await stat(path)).ino).toBe(ino);
  await journal.close();
});

test('without a flush not more is held than what is known', async () => {
  const { path, create, open } = await journalScene();
  const journal = await create();
  await addWaste(journal, 3_000_000);
  expect((await stat(path)).size).toBeLessThan(1000);
  journal.record(range, 'durable');
  await journal.close();
  expect((await open())?.known).toEqual([{ ...range, state: 'durable' }]);
});

test('a file that was removed or replaced under us comes back whole', async () => {
  const { path, create, open, failures } = await journalScene();
  const journal = await create();
  journal.record(range, 'durable', digestA);
  await journal.flush();
  await rm(dirname(path), { recursive: true });
  journal.record({ offset: 200, length: 1 }, 'durable');
  await journal.flush();
  expect((await open())?.known).toEqual(journal.known);
  await rename(path, `${path}.moved`);
  await writeFile(path, 'something else');
  journal.record({ offset: 300, length: 1 }, 'durable');
  await journal.flush();
  expect((await open())?.known).toEqual(journal.known);
  expect(failures).toEqual([]);
  await journal.close();
});

test('a directory that cannot be is told once, and the journal goes on in memory', async () => {
  const { dir, create, failures } = await journalScene();
  await writeFile(join(dir, 'state'), 'a file where the directory should be');
  const journal = await create();
  expect(failures).toMatchObject([
    {
      code: 'local-io',
      message: expect.stringContaining('cannot be written: E'),
      advice: expect.stringContaining('goes on'),
    },
  ]);
  journal.record(range, 'durable', digestA);
  journal.forget({ offset: 500, length: 1 });
  await journal.flush();
  expect(journal.known).toEqual([piece]);
  await journal.close();
  await journal.finish();
  expect(failures.length).toBe(1);
});

test('paths that are too long for a header are a failure of the journal alone', async () => {
  const { path, create, failures } = await journalScene();
  const journal = await create({ ...sampleHeader(), targetPath: 'x'.repeat(200_000) });
  journal.record(range, 'durable');
  await journal.close();
  expect(failures).toMatchObject([{ message: expect.stringContaining('too long') }]);
  await expect(stat(path)).rejects.toThrow();
});

test('a link in its place is neither read nor written through', async () => {
  const { dir, path, create, open, failures } = await journalScene();
  await (await create()).close();
  const other = join(dir, 'other');
  await rename(path, other);
  await symlink(other, path);
  expect(await open()).toBeUndefined();
  const journal = await create();
  await rm(path);
  await symlink(other, path);
  journal.record(range, 'durable');
  await journal.close();
  expect(await readFile(other, 'utf8')).toBe(firstLine);
  expect((await open())?.known.length).toBe(1);
  expect(failures).toEqual([]);
});

test('a directory in its place is replaced if it is empty', async () => {
  const { path, create, open, failures } = await journalScene();
  await mkdir(path, { recursive: true });
  expect(await open()).toBeUndefined();
  await (await create()).close();
  expect(await open()).toBeDefined();
  await rm(path);
  await mkdir(join(path, 'full'), { recursive: true });
  const journal = await create();
  await journal.close();
  expect(failures).toMatchObject([{ code: 'local-io' }]);
  expect(await readdir(dirname(path)), 'nothing is left beside it').toEqual(['j.journal']);
});

test('a FIFO in its place does not hold us up', async () => {
  const { path, create, open } = await journalScene();
  await mkdir(dirname(path), { recursive: true });
  await run('mkfifo', [path]);
  expect(await open()).toBeUndefined();
  await (await create()).close();
  expect(await open()).toBeDefined();
});

test('one that others may write is not believed', async () => {
  const { path, create, open } = await journalScene();
  await (await create()).close();
  for (const mode of [0o620, 0o602]) {
    await chmod(path, mode);
    expect(await open()).toBeUndefined();
  }
  await chmod(path, 0o644);
  expect(await open()).toBeDefined();
});

test.skipIf(process.getuid?.() !== 0)('one of somebody else is not believed', async () => {
  const { path, create, open } = await journalScene();
  await (await create()).close();
  await chown(path, 1, 0);
  expect(await open()).toBeUndefined();
});
