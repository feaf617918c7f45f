/** What the journal of a download claims of bytes that were written on this machine and not synced. */
import { expect, onTestFinished, test } from 'vitest';
import { LocalDigests } from '../../../../src/engine/local/local-digests.ts';
import { openSource } from '../../../../src/engine/local/local-source.ts';
import { bootId } from '../../../../src/engine/resume/boot-id.ts';
import { FileJournal, type JournalStore } from '../../../../src/engine/resume/file-journal.ts';
import { withinMs } from '../../../../src/engine/resume/pace.ts';
import { fillFrom } from '../../../../src/engine/runner/descriptor-fill.ts';
import { RangeSet } from '../../../../src/util/range-set.ts';
import { tempDirForTest } from '../../../support/for-one-test.ts';
import { writeRandomFile } from '../../../support/random-file.ts';

const PIECE = 64 * 1024;
const SIZE = 4 * PIECE;
const token = { stage: '1', partial: '/.t.mtpart' };
const WRITTEN = { offset: 0, length: 3 * PIECE };
const SYNCED = { offset: PIECE, length: PIECE };

type Boot = string | undefined;

/**
 * A run in one boot writes, and another one in the same or another boot opens the journal. Returns where its claims
 * begin.
 */
async function claimsAfter(
  direction: 'upload' | 'download',
  [before, after]: readonly [Boot, Boot],
): Promise<{ readonly claims: number[]; readonly right: boolean }> {
  const dir = await tempDirForTest();
  await writeRandomFile(dir.file('partial'), SIZE);
  const file = await openSource(Buffer.from(dir.file('partial')));
  onTestFinished(() => file.close());
  const local = new LocalDigests(fillFrom(file.fd));
  const identity = { host: 'h', port: 22, user: 'u' };
  const store = { directory: dir.file('state'), identity, machine: 'm', resume: true, onFailed: () => {} };
  const about = { direction, sourcePath: '/s', source: file.identity, targetPath: '/t' };
  const subject = { ...about, target: Buffer.from('/t'), size: SIZE, mtimeMs: 0, local };
  const open = (boot: Boot): Promise<FileJournal> => {
    const journals: JournalStore = { ...store, boot };
    return FileJournal.open(journals, subject);
  };
  const first = await open(before);
  await first.begin(token, PIECE);
  first.sawStaged({ kind: 'file', size: WRITTEN.length, mtimeMs: 1000 });
  await first.noteWritten(new RangeSet([WRITTEN]), withinMs(10_000));
  await first.noteDurable([SYNCED]);
  await first.close();
  const second = await open(after);
  const { claims } = second;
  const right = second.isAsLeft({ kind: 'file', size: WRITTEN.length, mtimeMs: 2000 }, claims);
  await second.close();
  return { claims: claims.map(({ offset }) => offset / PIECE), right };
}

test('all of it while the machine was not started again', async () => {
  expect(await claimsAfter('download', ['one', 'one'])).toEqual({ claims: [0, 1, 2], right: true });
});

test.each([
  ['after it was started again', 'download', ['one', 'two']],
  ['where the system does not tell', 'download', [undefined, undefined]],
  ['where it tells only now', 'download', [undefined, 'two']],
  ['of an upload, which is written elsewhere', 'upload', ['one', 'one']],
] as const)('only what was synced: %s', async (_, direction, boots) => {
  expect((await claimsAfter(direction, boots)).claims).toEqual([1]);
});

test('the system names its start, or nothing does', async () => {
  const dir = await tempDirForTest();
  expect(await bootId(dir.file('missing'))).toBeUndefined();
  const id = await bootId();
  if (process.platform === 'linux') expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(await bootId()).toBe(id);
});
