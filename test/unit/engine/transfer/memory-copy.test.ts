/** The run and its file jobs with a direction that knows neither servers nor local files. */
import { expect, test } from 'vitest';
import type { TransferEvent } from '../../../../src/engine/events.ts';
import { Counters } from '../../../../src/engine/runner/counters.ts';
import type { JobServices, RunnerAnswer, RunningJob } from '../../../../src/engine/transfer/direction.ts';
import type { TransferOptions, TransferOutcome } from '../../../../src/engine/transfer/transfer-options.ts';
import { TransferRun } from '../../../../src/engine/transfer/transfer-run.ts';
import { CopyError } from '../../../../src/errors.ts';
import { fileOf, MemoryCopy, type MemoryCopyFile } from '../../../support/memory-copy.ts';
import { type CopyRange, MemoryRunner } from '../../../support/memory-runner.ts';
import { contents } from '../../../support/upload-scene.ts';

const KIB = 1024;
const OPTIONS: TransferOptions = {
  pieceSize: 64 * KIB,
  verify: 'read-back',
  digests: { methods: [], algorithm: 'auto' },
  dryRun: false,
  wanted: 3,
  maxStartups: 8,
  connectIntervalMs: 0,
  retryForMs: 2000,
};

interface Ran {
  readonly outcome: TransferOutcome;
  readonly events: readonly TransferEvent[];
}

async function run(direction: MemoryCopy, options: Partial<TransferOptions> = {}, copy?: CopyRange): Promise<Ran> {
  const counters = new Counters();
  const events: TransferEvent[] = [];
  const copyNow: CopyRange = (_, from, range) => direction.copy(Buffer.from(from).toString(), range);
  const runner = new MemoryRunner(counters, copy ?? copyNow);
  const transfer = new TransferRun(runner, counters, direction, { ...OPTIONS, ...options }, (event) => {
    events.push(structuredClone(event));
  });
  const outcome = await transfer.run(new AbortController().signal);
  expect(transfer.services.scheduler.tasks(), 'nothing is left under way').toEqual([]);
  expect([...runner.open], 'nothing is left open').toEqual([]);
  return { outcome, events };
}

async function* filesOf(sizes: readonly number[]): AsyncGenerator<MemoryCopyFile> {
  for (const [index, size] of sizes.entries()) yield fileOf(`${index}`, contents(size, index));
}

test('copies files of all sizes, and verifies what has arrived', async () => {
  const sizes = [0, 1, 64 * KIB, 1024 * KIB + 1];
  const direction = new MemoryCopy(() => filesOf(sizes));
  const { outcome } = await run(direction);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  expect(outcome).toMatchObject({ filesDone: 4, filesFailed: 0, error: undefined, bytesSent: bytes });
  expect(outcome.verified).toEqual({ byDigest: 0, byReadBack: bytes, bySize: 0, notVerified: 0 });
  sizes.forEach((size, index) => {
    expect(direction.targets.get(`${index}`)?.equals(contents(size, index)), `file ${index}`).toBe(true);
  });
});

test('files are planned while others are copied, and totals grow by them', async () => {
  const count = 12_000;
  let planned = 0;
  let mostAhead = 0;
  const direction: MemoryCopy = new MemoryCopy(async function* () {
    for await (const file of filesOf(Array.from({ length: count }, () => 1))) {
      mostAhead = Math.max(mostAhead, ++planned - direction.committed.length);
      yield file;
    }
  });
  const { outcome, events } = await run(direction, { verify: 'none' });
  expect(outcome.filesDone).toBe(count);
  // A window of 10,000 files is planned, beside those that are being copied.
  expect(mostAhead).toBeGreaterThan(2 * OPTIONS.wanted);
  expect(mostAhead).toBeLessThanOrEqual(10_000 + 2 * OPTIONS.wanted + 1);
  expect(events).toContainEqual(expect.objectContaining({ type: 'plan', direction: 'download', files: 0, bytes: 0 }));
});

test('a connection that is lost takes no file with it', async () => {
  const direction = new MemoryCopy(() => filesOf([512 * KIB]));
  const lost = new Set([1, 3]);
  const { outcome, events } = await run(direction, {}, (connection, from, range) => {
    if (lost.delete(connection)) throw new CopyError('connection-lost', 'It is gone.');
    direction.copy(Buffer.from(from).toString(), range);
  });
  expect(outcome).toMatchObject({ filesDone: 1, error: undefined });
  expect(lost.size).toBe(0);
  expect(events.filter((event) => event.type === 'connection' && event.state === 'lost')).toHaveLength(2);
  expect(direction.targets.get('0')?.equals(contents(512 * KIB, 0))).toBe(true);
});

test('a piece that is wrong is carried again', async () => {
  const direction = new MemoryCopy(() => filesOf([256 * KIB]));
  let isSpoilt = false;
  const { outcome, events } = await run(direction, {}, (_, from, range) => {
    direction.copy(Buffer.from(from).toString(), range);
    if (!isSpoilt) direction.targets.get('0')![range.offset]! ^= 1;
    isSpoilt = true;
  });
  expect(outcome).toMatchObject({ filesDone: 1, error: undefined });
  expect(events).toContainEqual(expect.objectContaining({ type: 'notice', code: 'sent-again' }));
  expect(direction.targets.get('0')?.equals(contents(256 * KIB, 0))).toBe(true);
});

test('the failure of one file is not that of the others', async () => {
  const direction = new MemoryCopy(() => filesOf([KIB, KIB, KIB]));
  const { outcome } = await run(direction, {}, (_, from, range) => {
    const name = Buffer.from(from).toString();
    if (name === '1') throw new CopyError('no-space', 'There is no room.');
    direction.copy(name, range);
  });
  expect(outcome).toMatchObject({ filesDone: 2, filesFailed: 1, hasEndedRun: false });
  expect(outcome.error).toMatchObject({ code: 'no-space' });
  expect(direction.committed.sort()).toEqual(['0', '2']);
});

test('an answer is given to the job that waits for it, and no other job is asked', async () => {
  const count = 100;
  const answered: { job: number; of: string }[] = [];
  class Closing extends MemoryCopy {
    override async open(number: number, file: MemoryCopyFile, services: JobServices): Promise<RunningJob> {
      const job = await super.open(number, file, services);
      Object.defineProperty(job, 'onAnswer', {
        value: (answer: RunnerAnswer) => answered.push({ job: number, of: answer.kind }),
      });
      services.runner.post({ kind: 'close-file', job: number, connection: 1, from: Buffer.from('x') });
      return job;
    }
  }
  const { outcome } = await run(new Closing(() => filesOf(Array.from({ length: count }, () => KIB))), { wanted: 20 });
  expect(outcome.filesDone).toBe(count);
  answered.sort((a, b) => a.job - b.job);
  expect(answered).toEqual(Array.from({ length: count }, (_, file) => ({ job: file + 1, of: 'file-closed' })));
});
