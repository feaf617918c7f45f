import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openSource } from '../../../../src/engine/local-source.ts';
import { FileResume, type JournalShelf } from '../../../../src/engine/resume/file-resume.ts';
import { LocalDigests } from '../../../../src/engine/verify/local-digests.ts';
import type { Attributes, RemoteConnection, Staged } from '../../../../src/remotes/remote.ts';
import { RangeSet } from '../../../../src/util/range-set.ts';
import { tempDirForTest } from '../../../support/for-one-test.ts';
import { writeRandomFile } from '../../../support/random-file.ts';

const PIECE = 64 * 1024;
const SIZE = 4 * PIECE + 10;
const token = { target: '/t', partial: '/.t.mtpart', stage: '1' };
const target = Buffer.from('/t');
const seen: Attributes = { kind: 'file', size: 3 * PIECE, mtimeMs: 1_000_000 };

async function scene(resume = true) {
  const dir = await tempDirForTest();
  const path = dir.file('source');
  await writeRandomFile(path, SIZE);
  const source = await openSource(Buffer.from(path));
  onTestFinished(() => source.close());
  const failures: unknown[] = [];
  const shelf: JournalShelf = {
    directory: dir.file('state'),
    server: { host: 'h', port: 22, user: 'u' },
    resume,
    failed: (error) => failures.push(error),
  };
  const next = () => FileResume.open(shelf, source, new LocalDigests(source.fd), Buffer.from(path), target);
  return { path, next, failures };
}

/** A remote on which the staged file looks like this; undefined: it is not there. */
function remoteWith(found: Attributes | undefined, path?: string) {
  let closed = 0;
  const bytes = path === undefined ? Buffer.alloc(SIZE) : readFileSync(path);
  const staged = {
    found,
    readBack: async (slices, drain) => {
      for (let range = await slices.take(SIZE); range !== undefined; range = await slices.take(SIZE)) {
        await drain([bytes.subarray(range.offset, range.offset + range.length)], range.offset);
      }
    },
    close: async () => {
      closed++;
    },
  } as Partial<Staged> as Staged;
  const remote = { reopen: async () => found && staged } as Partial<RemoteConnection> as RemoteConnection;
  return { remote, staged, closed: () => closed };
}

/** An earlier run, which had these bytes on the server's disk. */
async function earlier({ next }: Awaited<ReturnType<typeof scene>>, durable: RangeSet): Promise<void> {
  const resume = await next();
  expect(resume.hasStaged).toBe(false);
  await resume.begin(token, PIECE);
  await resume.note(durable, seen);
  await resume.close();
}

test('whole pieces that were durable are claimed by the next run, and are right while the source is', async () => {
  const all = await scene();
  await earlier(all, new RangeSet([{ offset: 0, length: 2 * PIECE + 5 }]));
  const resume = await all.next();
  expect(resume.hasStaged).toBe(true);
  expect(resume.keptBytes, 'nobody knows yet').toBe(0);
  const { remote, staged } = remoteWith(seen, all.path);
  const reopened = (await resume.reopen(remote))!;
  expect(reopened.staged).toBe(staged);
  expect(resume.keptBytes).toBe(2 * PIECE);
  expect(reopened.claims.map(({ offset, length }) => [offset, length])).toEqual([
    [0, PIECE],
    [PIECE, PIECE],
  ]);
  const file = await open(all.path, 'r+');
  await file.write(Buffer.from('changed'), 0, 7, 1000);
  await file.close();
  expect(await resume.isRight(reopened.claims[1]!)).toBe(true);
  expect(await resume.isRight(reopened.claims[0]!)).toBe(false);
  expect(resume.keptBytes, 'what is wrong is claimed no more').toBe(PIECE);
  await resume.close();
  expect(all.failures).toEqual([]);
});

test.each<[string, Attributes | undefined]>([
  ['is gone', undefined],
  ['is shorter than what was seen', { ...seen, size: 3 * PIECE - 1 }],
  ['is longer than the source', { ...seen, size: SIZE + 1 }],
  ['was changed before', { ...seen, mtimeMs: 999_000 }],
  ['was changed long after', { ...seen, mtimeMs: 1_000_000 + 301_000 }],
])('a staged file that %s is not used, and not held', async (_, found) => {
  const all = await scene();
  await earlier(all, new RangeSet([{ offset: 0, length: PIECE }]));
  const resume = await all.next();
  const { remote, closed } = remoteWith(found);
  expect(await resume.reopen(remote)).toBeUndefined();
  expect(closed()).toBe(found === undefined ? 0 : 1);
  expect(resume.hasStaged, 'it is ours all the same').toBe(true);
  await resume.close();
});

test('a staged file of other bytes, though it looks as it should, is not used', async () => {
  const all = await scene();
  await earlier(all, new RangeSet([{ offset: 0, length: PIECE }]));
  const resume = await all.next();
  const { remote, closed } = remoteWith(seen);
  expect(await resume.reopen(remote)).toBeUndefined();
  expect(closed()).toBe(1);
  expect(resume.keptBytes).toBe(0);
  await resume.close();
  expect(await (await all.next()).reopen(remoteWith(seen, all.path).remote), 'nor claimed again').toBeUndefined();
});

test('one that was written to for a while after the journal last saw it is used', async () => {
  const all = await scene();
  await earlier(all, new RangeSet([{ offset: 0, length: PIECE }]));
  const resume = await all.next();
  const later = { ...seen, size: 4 * PIECE, mtimeMs: 1_000_000 + 60_000 };
  expect((await resume.reopen(remoteWith(later, all.path).remote))?.claims).toHaveLength(1);
  await resume.close();
});

test('nothing is claimed where nothing was durable, where it is not wanted, and after a new beginning', async () => {
  const all = await scene();
  await earlier(all, new RangeSet([{ offset: 10, length: PIECE }]));
  const nothing = await all.next();
  expect(await nothing.reopen(remoteWith(seen).remote)).toBeUndefined();
  await nothing.begin(token, PIECE);
  await nothing.note(new RangeSet([{ offset: 0, length: SIZE }]), { ...seen, size: SIZE });
  expect(nothing.keptBytes).toBe(SIZE);
  await nothing.begin(token, PIECE);
  expect(nothing.keptBytes).toBe(0);
  await nothing.finish();
  expect((await all.next()).hasStaged).toBe(false);

  const unwanted = await scene(false);
  await earlier(unwanted, new RangeSet([{ offset: 0, length: PIECE }]));
  const resume = await unwanted.next();
  expect(await resume.reopen(remoteWith(seen).remote)).toBeUndefined();
  await resume.close();
});
