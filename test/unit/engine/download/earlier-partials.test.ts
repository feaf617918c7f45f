/** Which of the bytes that an earlier download left may be relied on. */
import { truncate } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { EarlierPartials, tokenOf } from '../../../../src/engine/download/earlier-partials.ts';
import { LocalDigests } from '../../../../src/engine/local/local-digests.ts';
import { LocalPartial } from '../../../../src/engine/local/local-partial.ts';
import { FileJournal } from '../../../../src/engine/resume/file-journal.ts';
import { withinMs } from '../../../../src/engine/resume/pace.ts';
import { drainTo } from '../../../../src/engine/runner/descriptor-drain.ts';
import { fillFrom } from '../../../../src/engine/runner/descriptor-fill.ts';
import { RangeSet } from '../../../../src/util/range-set.ts';
import { tempDirForTest } from '../../../support/for-one-test.ts';

const PIECE = 64 * 1024;
const SIZE = 4 * PIECE;
/** The first run has written three pieces. The second of them survives a crash. */
const WRITTEN = { offset: 0, length: 3 * PIECE };
const SYNCED = { offset: PIECE, length: PIECE };
const SOURCE = { size: SIZE, mtimeNs: 1n, ctimeNs: 0n, inode: 0n, device: 0n };

interface Left {
  readonly canHash?: boolean;
  readonly isDated?: boolean;
  /** The machine was started again. */
  readonly isLaterBoot?: boolean;
  /** The disk did not store everything. */
  readonly isSyncRefused?: boolean;
  /** Bytes that are left of the partial file. */
  readonly length?: number;
  /** Whether the partial file has other bytes in its second piece. */
  readonly isDamaged?: boolean;
}

/** The claims of a run that finds the partial file of another one; undefined: it begins anew. */
async function claimsOf(left: Left) {
  const dir = await tempDirForTest();
  const target = Buffer.from(dir.file('target'));
  const partial = await LocalPartial.create(target);
  onTestFinished(() => partial.close());
  await drainTo(partial.fd)([Buffer.alloc(WRITTEN.length, 'the new content')], 0);
  const local = new LocalDigests(fillFrom(partial.fd, 'target'));
  const about = { direction: 'download', sourcePath: '/s', source: SOURCE, targetPath: '/t' } as const;
  const subject = { ...about, target, size: SIZE, mtimeMs: 0, local };
  const identity = { host: 'h', port: 22, user: 'u' };
  const store = { directory: dir.file('state'), identity, machine: 'm', resume: true, onFailed: () => {} };
  const first = await FileJournal.open({ ...store, boot: 'one' }, subject);
  await first.begin(tokenOf(partial), PIECE);
  first.sawStaged(await partial.look());
  await first.noteWritten(new RangeSet([WRITTEN]), withinMs(10_000));
  await first.noteDurable([SYNCED]);
  if (left.isSyncRefused) first.noteSyncRefused();
  await first.noteAcknowledged([WRITTEN]);
  await first.close();
  if (left.length !== undefined) await truncate(partial.path, left.length);
  if (left.isDamaged) await drainTo(partial.fd)([Buffer.alloc(PIECE, 'other content')], PIECE);

  // What is known of the local file is read anew.
  const now = { ...subject, local: new LocalDigests(fillFrom(partial.fd, 'target')) };
  const second = await FileJournal.open({ ...store, boot: left.isLaterBoot ? 'two' : 'one' }, now);
  onTestFinished(() => second.close());
  const digests = { isSurelyAvailable: async () => left.canHash ?? false };
  const options = { target, size: SIZE, isDated: left.isDated ?? true, isResuming: true };
  const found = await new EarlierPartials({ digests, report: { notice: () => {} } }, options, second).reopen();
  onTestFinished(async () => void (await found?.partial.close()));
  if (found === undefined) return undefined;
  const { claims, by } = found.claims;
  const pieces = claims.map(({ offset, length }) => [offset / PIECE, length / PIECE]);
  const areRight = await Promise.all(claims.map((claim) => second.isRight(claim)));
  return { by, pieces, ...(by === 'journal' && { areRight: areRight.every((one) => one) }) };
}

test('by the journal, all that was written by this boot of the machine', async () => {
  const pieces = [0, 1, 2].map((piece) => [piece, 1]);
  expect(await claimsOf({})).toEqual({ by: 'journal', pieces, areRight: true });
});

test('where the server can hash, all of it is compared', async () => {
  expect(await claimsOf({ canHash: true })).toEqual({ by: 'digests', pieces: [[0, 3]] });
});

test.each([
  ['the file is as it was', {}],
  ['the end of the file is lost', { length: 2 * PIECE }],
  ['it ends within a piece', { length: 2 * PIECE + 1 }],
])('after a crash of the system, what was synced: %s', async (_, more) => {
  expect(await claimsOf({ isLaterBoot: true, ...more })).toEqual({ by: 'journal', pieces: [[1, 1]], areRight: true });
});

test.each([false, true])('after a failure to store it, only what was synced before: hashing %s', async (canHash) => {
  const pieces = [[1, 1]];
  expect(await claimsOf({ isSyncRefused: true, canHash })).toEqual({ by: 'journal', pieces, areRight: true });
});

test.each([false, true])('after such a failure nothing, where nothing was synced: hashing %s', async (canHash) => {
  expect(await claimsOf({ isSyncRefused: true, canHash, length: PIECE })).toBeUndefined();
});

test('the journal is compared with what the file has', async () => {
  expect(await claimsOf({ isLaterBoot: true, isDamaged: true })).toMatchObject({ areRight: false });
});

test('without the time of the source nothing by the journal, because another source may have the same size', async () => {
  expect(await claimsOf({ isDated: false })).toBeUndefined();
  expect(await claimsOf({ isDated: false, canHash: true })).toMatchObject({ by: 'digests' });
});
