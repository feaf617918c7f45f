import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { LocalDigests } from '../../../../src/engine/local/local-digests.ts';
import { Scheduler } from '../../../../src/engine/schedule/scheduler.ts';
import { JobLedger } from '../../../../src/engine/transfer/job-ledger.ts';
import {
  type FileSides,
  JobVerification,
  type VerificationServices,
  type VerifiedJob,
} from '../../../../src/engine/transfer/job-verification.ts';
import type { Range } from '../../../../src/remotes/remote.ts';
import { deferred } from '../../../../src/util/deferred.ts';
import { RangeSet } from '../../../../src/util/range-set.ts';
import { journalScene } from '../resume/journal-scene.ts';
import { digestA, sampleHeader } from '../resume/sample.ts';

const PIECE = 64 * 1024;
const PIECES = 32;
const SIZE = PIECES * PIECE;
const pieces: readonly Range[] = Array.from({ length: PIECES }, (_, i) => ({ offset: i * PIECE, length: PIECE }));

test('for many wrong pieces the journal is written anew once, before the first of them is sent again', async () => {
  const { path, create, open } = await journalScene();
  const journal = await create(sampleHeader(SIZE));
  for (const piece of pieces) journal.record(piece, 'durable', digestA);
  await journal.flush();
  let file = (await stat(path)).ino;
  let writings = 0;
  const claimed = async (): Promise<RangeSet> => {
    const onDisk = (await open())!;
    const known = new RangeSet(onDisk.known);
    await onDisk.close();
    return known;
  };

  const ledger = new JobLedger(new Scheduler(() => 0), 1, () => {});
  ledger.open({ size: SIZE, pieceSize: PIECE, only: undefined, claims: [] });
  const right = pieces[5]!;
  const sides: FileSides = {
    of: { stage: 's' },
    fd: 0,
    back: async ([range]) => [
      createHash('sha256')
        .update(Buffer.alloc(PIECE, range!.offset === right.offset ? 0 : 1))
        .digest(),
    ],
    wrongText: 'are wrong',
    beforeRepeat: async (piece) => {
      const { ino } = await stat(path);
      if (ino !== file) writings++;
      file = ino;
      expect(new RangeSet([piece]).within(await claimed()).isEmpty, 'not claimed any more').toBe(true);
      expect(ledger.toDo.has(piece), 'not handed out yet').toBe(false);
    },
  };
  const done = deferred<void>();
  const job: VerifiedJob = {
    name: 'f',
    size: SIZE,
    local: new LocalDigests(async (views) => {
      for (const view of views) view.fill(0);
    }),
    isTargetLocal: false,
    hasJournal: true,
    checkUnchanged: async () => {},
    forget: async (forgotten) => {
      for (const piece of forgotten) journal.forget(piece);
      await journal.flush();
    },
    onChanged: () => done.resolve(),
    onFailed: (error) => done.reject(error),
  };
  const services = {
    verify: 'read-back',
    access: { repeat: (work: () => Promise<unknown>) => work() },
    ledger,
    digests: undefined,
    report: { notice: () => {} },
    dispatch: () => {},
  } as unknown as VerificationServices;
  const verification = new JobVerification(services, job);
  verification.begin(sides, PIECE);

  const whole = { offset: 0, length: SIZE };
  ledger.acknowledge(whole);
  verification.verifier!.onAcknowledged([whole]);
  await done.promise;
  expect(writings).toBe(1);
  expect([...ledger.toDo]).toEqual([...new RangeSet([whole]).without(new RangeSet([right]))]);
  expect([...(await claimed())], 'what is right stays').toEqual([right]);
  await journal.close();
});
