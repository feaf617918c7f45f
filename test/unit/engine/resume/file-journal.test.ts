import { readFileSync } from 'node:fs';
import { appendFile, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { LocalDigests } from '../../../../src/engine/local/local-digests.ts';
import { type LocalSource, openSource } from '../../../../src/engine/local/local-source.ts';
import { FileJournal, type JournalStore } from '../../../../src/engine/resume/file-journal.ts';
import { Journal } from '../../../../src/engine/resume/journal.ts';
import { journalPath } from '../../../../src/engine/resume/journal-place.ts';
import { withinMs } from '../../../../src/engine/resume/pace.ts';
import { fillFrom } from '../../../../src/engine/runner/descriptor-fill.ts';
import { type CanCompare, reopenCopy, reopenStaged } from '../../../../src/engine/upload/stages/reopen-staged.ts';
import type { Attributes, RemoteConnection, Staged, StageToken } from '../../../../src/remotes/remote.ts';

import { RangeSet } from '../../../../src/util/range-set.ts';
import { tempDirForTest } from '../../../support/for-one-test.ts';
import { writeRandomFile } from '../../../support/random-file.ts';

const PIECE = 64 * 1024;
const SIZE = 4 * PIECE + 10;
const token = { target: '/t', partial: '/.t.mtpart', stage: '1' };
const target = Buffer.from('/t');
const seen: Attributes = { kind: 'file', size: 3 * PIECE, mtimeMs: 1_000_000 };

async function scene(resume = true, size = SIZE) {
  const dir = await tempDirForTest();
  const path = dir.file('source');
  await writeRandomFile(path, size);
  const source = await openSource(Buffer.from(path));
  onTestFinished(() => source.close());
  const failures: unknown[] = [];
  const journals: { -readonly [K in keyof JournalStore]: JournalStore[K] } = {
    directory: dir.file('state'),
    identity: { host: 'h', port: 22, user: 'u' },
    machine: 'm',
    resume,
    onFailed: (error) => failures.push(error),
  };
  const openFor = async (of: LocalSource, local: LocalDigests) => {
    const about = { direction: 'upload', sourcePath: path, source: of.identity, targetPath: '/t' } as const;
    const subject = { ...about, target, size: of.size, mtimeMs: of.mtimeMs, local };
    return reopening(await FileJournal.open(journals, subject), of);
  };
  const next = (local = new LocalDigests(fillFrom(source.fd))) => openFor(source, local);
  /** Another run, which looks at the source anew. */
  const again = async () => {
    const changed = await openSource(Buffer.from(path));
    onTestFinished(() => changed.close());
    return openFor(changed, new LocalDigests(fillFrom(changed.fd)));
  };
  return {
    path,
    source,
    journals,
    next,
    again,
    failures,
    journal: journalPath(journals.directory, journals.identity, target, 'm'),
  };
}

/** A journal, and what an upload concludes from it. */
function reopening(journal: FileJournal, source: LocalSource) {
  const reopen = (remote: RemoteConnection, canCompare?: CanCompare) =>
    reopenStaged(remote, journal, source, canCompare);
  const adopt = (remote: RemoteConnection, copy: StageToken, compare: CanCompare) =>
    reopenCopy(remote, copy, source, compare);
  return Object.assign(journal, { reopen, adopt });
}

/** A remote on which the staged file looks like this; undefined: it is not there. */
function remoteWith(found: Attributes | undefined, path?: string) {
  let closed = 0;
  const cuts: number[] = [];
  const bytes = path === undefined ? Buffer.alloc(SIZE) : readFileSync(path);
  const staged = {
    found,
    readBack: async (slices, drain) => {
      for (let range = await slices.take(SIZE); range !== undefined; range = await slices.take(SIZE)) {
        await drain([bytes.subarray(range.offset, range.offset + range.length)], range.offset);
      }
    },
    cutOff: async (size) => void cuts.push(size),
    close: async () => {
      closed++;
    },
  } as Partial<Staged> as Staged;
  const remote = { reopen: async () => found && staged } as Partial<RemoteConnection> as RemoteConnection;
  return { remote, staged, cuts, closed: () => closed };
}

/** An earlier run, which had these bytes on the server's disk. */
async function earlier({ next }: Awaited<ReturnType<typeof scene>>, durable: RangeSet): Promise<void> {
  const resume = await next();
  expect(resume.staged).toBeUndefined();
  await resume.begin(token, PIECE);
  resume.sawStaged(seen);
  await resume.note(durable, withinMs(60_000));
  await resume.close();
}

test('whole pieces that were durable are claimed by the next run, and are right while the source is', async () => {
  const all = await scene();
  await earlier(all, new RangeSet([{ offset: 0, length: 2 * PIECE + 5 }]));
  const resume = await all.next();
  expect(resume.staged).toEqual(token);
  expect(resume.keptWithin(Number.POSITIVE_INFINITY), 'nobody knows yet').toBe(0);
  const { remote, staged } = remoteWith(seen, all.path);
  const reopened = (await resume.reopen(remote))!;
  expect(reopened.staged).toBe(staged);
  expect(resume.keptWithin(Number.POSITIVE_INFINITY)).toBe(2 * PIECE);
  expect(reopened.claims.map(({ offset, length }) => [offset, length])).toEqual([
    [0, PIECE],
    [PIECE, PIECE],
  ]);
  const file = await open(all.path, 'r+');
  await file.write(Buffer.from('changed'), 0, 7, 1000);
  await file.close();
  expect(await resume.isRight(reopened.claims[1]!)).toBe(true);
  expect(await resume.isRight(reopened.claims[0]!)).toBe(false);
  expect(resume.keptWithin(Number.POSITIVE_INFINITY), 'what is wrong is claimed no more').toBe(PIECE);
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
  expect(resume.staged, 'it is ours all the same').toEqual(token);
  await resume.close();
});

test('a staged file of other bytes, though it looks as it should, is not used', async () => {
  const all = await scene();
  await earlier(all, new RangeSet([{ offset: 0, length: PIECE }]));
  const resume = await all.next();
  const { remote, closed } = remoteWith(seen);
  expect(await resume.reopen(remote)).toBeUndefined();
  expect(closed()).toBe(1);
  expect(resume.keptWithin(Number.POSITIVE_INFINITY)).toBe(0);
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
  await nothing.note(new RangeSet([{ offset: 0, length: SIZE }]), withinMs(60_000));
  expect(nothing.keptWithin(Number.POSITIVE_INFINITY)).toBe(SIZE);
  await nothing.begin(token, PIECE);
  expect(nothing.keptWithin(Number.POSITIVE_INFINITY)).toBe(0);
  await nothing.finish();
  expect((await all.next()).staged).toBeUndefined();

  const unwanted = await scene(false);
  await earlier(unwanted, new RangeSet([{ offset: 0, length: PIECE }]));
  const resume = await unwanted.next();
  expect(await resume.reopen(remoteWith(seen).remote)).toBeUndefined();
  await resume.close();
});

/** Where the server can hash, or says so and cannot. */
const canCompare = async () => true;
const cannotCompare = async () => false;

test('where digests decide, all that the journal knows of is looked at, and what may have come after it', async () => {
  const all = await scene();
  await earlier(all, new RangeSet([{ offset: 0, length: PIECE }]));
  const resume = await all.next();
  // Neither time nor size need be as the journal saw them.
  const { remote } = remoteWith({ ...seen, mtimeMs: 5, size: 2 * PIECE + 10 });
  const reopened = (await resume.reopen(remote, canCompare))!;
  expect(reopened).toMatchObject({ by: 'digests', isOurs: true });
  expect(reopened.claims).toEqual([{ offset: 0, length: 2 * PIECE + 10 }]);
  await resume.close();
});

test('what the journal does not know of, and is far from all it knows, is not looked at', async () => {
  const all = await scene();
  await earlier(all, new RangeSet([{ offset: PIECE, length: PIECE }]));
  const resume = await all.next();
  const reopened = (await resume.reopen(remoteWith({ ...seen, size: SIZE }).remote, canCompare))!;
  expect(reopened.claims[0]!.offset).toBe(PIECE);
  await resume.close();
});

test('of a copy of what others staged everything is looked at', async () => {
  const all = await scene();
  const unknown = await all.next();
  const { remote, cuts } = remoteWith({ ...seen, size: SIZE + 5 });
  expect(await unknown.adopt(remote, token, canCompare)).toMatchObject({
    by: 'digests',
    isOurs: false,
    claims: [{ offset: 0, length: SIZE }],
  });
  expect(cuts).toEqual([SIZE]);
  expect(unknown.keptWithin(Number.POSITIVE_INFINITY), 'nothing is known to be kept').toBe(0);
});

test.each([
  ['of another source', async ({ path }: { path: string }) => appendFile(path, 'more')],
  [
    'of another machine',
    async ({ journals }: { journals: object }) => void Object.assign(journals, { machine: 'other' }),
  ],
])('nothing is continued by a journal %s', async (_, change) => {
  const all = await scene();
  await earlier(all, new RangeSet([{ offset: 0, length: PIECE }]));
  await change(all);
  const resume = await all.again();
  expect(resume.mayContinue).toBe(false);
  expect(await resume.reopen(remoteWith(seen, all.path).remote, canCompare)).toBeUndefined();
  expect(await resume.reopen(remoteWith(seen, all.path).remote)).toBeUndefined();
  await resume.close();
});

test('where nobody can hash after all, the journal decides', async () => {
  const all = await scene();
  await earlier(all, new RangeSet([{ offset: 0, length: PIECE }]));
  const resume = await all.next();
  const { remote, closed } = remoteWith(seen, all.path);
  expect(await resume.reopen(remote, cannotCompare)).toMatchObject({ by: 'journal', isOurs: true });
  expect(closed()).toBe(1);
  await resume.close();
});

test('nothing is reopened where that is not wanted, though digests could decide', async () => {
  const all = await scene(false);
  expect(await (await all.next()).reopen(remoteWith(seen).remote, canCompare)).toBeUndefined();
});

test('what was acknowledged is in the journal for the next run, and is never taken for durable', async () => {
  const all = await scene();
  const resume = await all.next();
  await resume.begin(token, PIECE);
  await resume.noteAcknowledged([{ offset: 10, length: PIECE }]);
  await resume.close();
  const next = await all.next();
  expect(next.keptWithin(Number.POSITIVE_INFINITY)).toBe(0);
  expect(await next.reopen(remoteWith(seen, all.path).remote), 'by the journal alone').toBeUndefined();
  const { claims } = (await next.reopen(remoteWith({ ...seen, size: PIECE + 10 }).remote, canCompare))!;
  expect(claims).toEqual([{ offset: 10, length: PIECE }]);
  await next.close();
});

test('a piece is noted as durable, then as verified, and not again', async () => {
  const all = await scene();
  const resume = await all.next();
  await resume.begin(token, PIECE);
  const durable = new RangeSet([{ offset: 0, length: 2 * PIECE }]);
  resume.sawStaged(seen);
  await resume.note(durable, withinMs(60_000));
  await resume.note(durable, withinMs(60_000), { verified: new RangeSet([{ offset: PIECE, length: PIECE }]) });
  await resume.close();
  const journal = (await Journal.open(all.journal, () => {}))!;
  expect(journal.known.map(({ offset, state }) => [offset, state])).toEqual([
    [0, 'durable'],
    [PIECE, 'verified'],
  ]);
  await journal.close();
});

const PARTS = { parts: true };

test('what is durable of a piece counts before the piece is complete, and the piece takes the place of its parts', async () => {
  const all = await scene();
  const resume = await all.next();
  await resume.begin(token, 4 * PIECE);
  resume.sawStaged(seen);
  const durable = new RangeSet([{ offset: 10, length: 2 * PIECE }]);
  await resume.note(durable, withinMs(60_000));
  expect(resume.keptWithin(Number.POSITIVE_INFINITY), 'where digests tell').toBe(0);
  await resume.note(durable, withinMs(60_000), PARTS);
  expect(resume.keptWithin(Number.POSITIVE_INFINITY)).toBe(2 * PIECE);
  durable.add({ offset: 10, length: 3 * PIECE });
  await resume.note(durable, withinMs(60_000), PARTS);
  expect(resume.keptWithin(Number.POSITIVE_INFINITY)).toBe(3 * PIECE);
  await resume.close();
  const next = await all.next();
  const { claims } = (await next.reopen(remoteWith({ ...seen, size: SIZE }, all.path).remote))!;
  expect(claims.map(({ offset, length }) => [offset, length])).toEqual([
    [10, 2 * PIECE],
    [10 + 2 * PIECE, PIECE],
  ]);
  for (const claim of claims) expect(await next.isRight(claim)).toBe(true);
  await next.note(new RangeSet([{ offset: 0, length: 4 * PIECE + 10 }]), withinMs(60_000), PARTS);
  await next.close();
  const journal = (await Journal.open(all.journal, () => {}))!;
  expect(journal.known.map(({ offset, length, digest }) => [offset, length, typeof digest])).toEqual([
    [0, 4 * PIECE, 'string'],
    [4 * PIECE, 10, 'string'],
  ]);
  await journal.close();
});

test('a part that the local file does not have any more is not right', async () => {
  const all = await scene();
  const resume = await all.next();
  await resume.begin(token, 4 * PIECE);
  resume.sawStaged(seen);
  await resume.note(new RangeSet([{ offset: 0, length: 2 * PIECE }]), withinMs(60_000), PARTS);
  await resume.close();
  const next = await all.next();
  const { claims } = (await next.reopen(remoteWith(seen, all.path).remote))!;
  const file = await open(all.path, 'r+');
  await file.write(Buffer.from('changed'), 0, 7, 1000);
  await file.close();
  expect(await next.isRight(claims[0]!)).toBe(false);
  expect(next.keptWithin(Number.POSITIVE_INFINITY)).toBe(0);
  await next.close();
});

test.each([
  ['too few beside the whole pieces', 20 * 4 * PIECE, 2 * PIECE, 0],
  ['too short', 0, PIECE - 1, 0],
  ['many', 2 * 4 * PIECE, 2 * PIECE, 2 * PIECE],
])('parts are noted where they are worth being hashed twice: %s', async (_, wholeBytes, partBytes, noted) => {
  const all = await scene(true, 21 * 4 * PIECE);
  const resume = await all.next();
  await resume.begin(token, 4 * PIECE);
  resume.sawStaged(seen);
  await resume.note(new RangeSet([{ offset: 0, length: wholeBytes + partBytes }]), withinMs(60_000), PARTS);
  expect(resume.keptWithin(Number.POSITIVE_INFINITY)).toBe(wholeBytes + noted);
  await resume.close();
});

test('where there is no time to hash all, what was hashed is noted and claimed', async () => {
  const all = await scene();
  const local = new LocalDigests(fillFrom(all.source.fd));
  const digest = local.digest.bind(local);
  local.digest = async (...asked) => {
    await sleep(60);
    return digest(...asked);
  };
  const resume = await all.next(local);
  await resume.begin(token, PIECE);
  const worked: number[] = [];
  const once = async (workedMs: number): Promise<boolean> => {
    worked.push(workedMs);
    return false;
  };
  resume.sawStaged(seen);
  await resume.note(new RangeSet([{ offset: 0, length: 3 * PIECE }]), once);
  expect(worked).toEqual([expect.any(Number)]);
  expect(worked[0]).toBeGreaterThan(50);
  await resume.close();
  const next = await all.next();
  const { remote } = remoteWith(seen, all.path);
  expect((await next.reopen(remote))!.claims.map(({ offset }) => offset)).toEqual([0]);
  await next.close();
});

test('what is forgotten is on the disk before it may be written', async () => {
  const all = await scene();
  await earlier(all, new RangeSet([{ offset: 0, length: 2 * PIECE }]));
  const resume = await all.next();
  await resume.reopen(remoteWith(seen, all.path).remote, canCompare);
  await resume.forget([{ offset: 10, length: 20 }]);
  const journal = (await Journal.open(all.journal, () => {}))!;
  expect(journal.known.filter(({ state }) => state !== 'acknowledged').map(({ offset }) => offset)).toContain(PIECE);
  expect(new RangeSet(journal.known).has({ offset: 10, length: 20 })).toBe(false);
  await journal.close();
  await resume.close();
});
