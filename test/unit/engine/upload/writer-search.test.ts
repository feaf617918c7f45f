import { expect, test } from 'vitest';
import type { RunnerCommand } from '../../../../src/engine/runner/piece-runner.ts';
import { Scheduler } from '../../../../src/engine/schedule/scheduler.ts';
import { JobLedger } from '../../../../src/engine/transfer/job-ledger.ts';
import { type ProbeSubject, type SearchServices, WriterSearch } from '../../../../src/engine/upload/writer-search.ts';
import { Writers } from '../../../../src/engine/upload/writers.ts';
import type { Range } from '../../../../src/remotes/remote.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Which slices the probe of a file of 100 MiB would write, if any; `acknowledged`: what its owner has written. */
async function probedOffsets(subject: Partial<ProbeSubject>, acknowledged: Range[] = []) {
  const size = subject.size ?? 100 * MIB;
  const ledger = new JobLedger(new Scheduler(() => 0), 1, () => {});
  ledger.open({ size, pieceSize: 4 * MIB, only: 1, claims: [] });
  for (const range of acknowledged) ledger.acknowledge(range);
  const posted: RunnerCommand[] = [];
  const services = {
    writers: new Writers(() => {}),
    ledger,
    pool: { open: [1, 2] },
    runner: { local: { connection: () => ({}) }, post: (command: RunnerCommand) => posted.push(command) },
    dispatch: () => {},
  } as unknown as SearchServices;
  const listener = { drain: async () => {}, onFound: () => {}, onFailed: () => {}, onEnded: () => {} };
  const search = new WriterSearch(7, services, listener);
  search.consider({ owner: 1, fd: 3, of: { stage: 'x' }, foundSize: 0, size, ...subject });
  await Promise.resolve();
  const probe = posted.find((command) => command.kind === 'probe-writers');
  if (probe !== undefined) search.onAnswer(probe.task, { writers: 'many', written: [] }, undefined);
  await search.work;
  return probe && { first: probe.firstOffset, second: probe.secondOffset };
}

test('both slices lie close together, because a server may delay a write according to its offset', async () => {
  expect(await probedOffsets({})).toEqual({ first: 0, second: 64 * KIB });
  const written = [{ offset: 0, length: 3 * MIB }];
  expect(await probedOffsets({}, written)).toEqual({ first: 3 * MIB, second: 3 * MIB + 64 * KIB });
});

test('the second slice lies beyond what was found in the file', async () => {
  expect(await probedOffsets({ foundSize: 50 * MIB + 1 })).toEqual({ first: 0, second: 50 * MIB + 1 });
});

test.each([
  ['the file is short', { size: MIB }, []],
  ['most of it is written', {}, [{ offset: 0, length: 99 * MIB }]],
  ['what was found reaches its end', { foundSize: 100 * MIB }, []],
])('there is no probe where %s', async (_, subject, acknowledged) => {
  expect(await probedOffsets(subject, acknowledged)).toBeUndefined();
});
