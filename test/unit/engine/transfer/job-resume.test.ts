import { utimes } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { LocalDigests } from '../../../../src/engine/local/local-digests.ts';
import { openSource } from '../../../../src/engine/local/local-source.ts';
import { FileJournal } from '../../../../src/engine/resume/file-journal.ts';
import { Journal } from '../../../../src/engine/resume/journal.ts';
import { journalPath } from '../../../../src/engine/resume/journal-place.ts';
import { fillFrom } from '../../../../src/engine/runner/descriptor-fill.ts';

import { JobResume, type ResumedJob, type ResumeServices } from '../../../../src/engine/transfer/job-resume.ts';

import { RangeSet } from '../../../../src/util/range-set.ts';
import { tempDirForTest } from '../../../support/for-one-test.ts';
import { writeRandomFile } from '../../../support/random-file.ts';
import { waitFor } from '../../../support/wait-for.ts';

const PIECE = 64 * 1024;
const SIZE = 8 * PIECE;
const identity = { host: 'h', port: 22, user: 'u' };
const target = Buffer.from('/t');

/** A file job of which hashing a piece takes longer than the journal may work at a time. */
async function slowToHash(msLeft = Number.POSITIVE_INFINITY) {
  const dir = await tempDirForTest();
  await writeRandomFile(dir.file('source'), SIZE);
  await utimes(dir.file('source'), 1, 1);
  const source = await openSource(Buffer.from(dir.file('source')));
  onTestFinished(() => source.close());
  const local = new LocalDigests(fillFrom(source.fd));
  const digest = local.digest.bind(local);
  let hashed = 0;
  local.digest = async (...asked) => {
    await sleep(60);
    hashed++;
    return digest(...asked);
  };
  const durable = new RangeSet();
  const journals = { directory: dir.file('state'), identity, resume: true, machine: 'm', onFailed: () => {} };
  const subject = { direction: 'upload', sourcePath: '/s', source: source.identity, targetPath: '/t' } as const;
  const file = { target, size: SIZE, mtimeMs: source.mtimeMs, local };
  const opened = await FileJournal.open(journals, { ...subject, ...file });
  const services = {
    verify: 'auto',
    digests: { inUse: 'shell' },
    ledger: {
      msLeft: () => msLeft,
      get durable() {
        return new RangeSet(durable);
      },
      acknowledged: new RangeSet(),
    },
  } as unknown as ResumeServices;
  const job = { verification: {} } as unknown as ResumedJob;
  const resume = new JobResume(services, job, opened, SIZE);
  resume.begin(PIECE);
  await opened.begin({ stage: '/.t.mtpart' }, PIECE);
  /** Another part is durable now, and the staged file was touched right before. */
  const synced = (pieces: number, mtimeMs: number): void => {
    durable.add({ offset: 0, length: pieces * PIECE });
    resume.onSynced({ kind: 'file', size: SIZE, mtimeMs });
  };
  const journal = async (): Promise<Journal> =>
    (await Journal.open(journalPath(dir.file('state'), identity, target, 'm'), () => {}))!;
  return { resume, synced, journal, hashed: () => hashed };
}

test('the journal learns of a sync at once, however much there is still to hash for it', async () => {
  const { resume, synced, journal, hashed } = await slowToHash();
  synced(4, 1000);
  await waitFor(() => hashed() === 1, { what: 'the first piece', pollMs: 2 });
  synced(8, 9000);
  await waitFor(() => hashed() === 2, { what: 'the second piece', pollMs: 2 });
  await resume.settled();
  const { staged, known } = await journal();
  expect(staged).toMatchObject({ mtimeMs: 9000 });
  expect(known.map(({ offset }) => offset)).toEqual([0, PIECE]);
});

test('what becomes durable meanwhile comes next', async () => {
  const { resume, synced, journal, hashed } = await slowToHash();
  synced(1, 1000);
  synced(2, 2000);
  await waitFor(() => hashed() === 2, { what: 'both pieces', pollMs: 2 });
  await resume.settled();
  expect((await journal()).known).toHaveLength(2);
});

test('a run that ends does not wait for the rest, and hashes what it can before it goes', async () => {
  const { resume, synced, journal, hashed } = await slowToHash();
  synced(8, 1000);
  await waitFor(() => hashed() === 1, { what: 'the first piece', pollMs: 2 });
  const begun = performance.now();
  await resume.keep({ kind: 'file', size: SIZE, mtimeMs: 1000 });
  // Seven pieces of 60 ms, and none of the pauses of half a second.
  expect(performance.now() - begun).toBeLessThan(3000);
  expect((await journal()).known).toHaveLength(8);
});

test('near its end nothing is hashed for the journal alone, unless the run is stopped', async () => {
  const { resume, synced, journal, hashed } = await slowToHash(1900);
  synced(8, 1000);
  await resume.settled();
  expect(hashed()).toBe(0);
  await resume.keep({ kind: 'file', size: SIZE, mtimeMs: 1000 });
  expect((await journal()).known).toHaveLength(8);
});
