import { expect, test } from 'vitest';
import type { RunnerCommand } from '../../../../src/engine/runner/piece-runner.ts';
import { Scheduler } from '../../../../src/engine/schedule/scheduler.ts';
import type { UploadContext } from '../../../../src/engine/upload/upload-context.ts';
import { type ProbeSubject, WriterSearch } from '../../../../src/engine/upload/writer-search.ts';
import { Writers } from '../../../../src/engine/upload/writers.ts';
import type { Range } from '../../../../src/remotes/remote.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Which slices the probe of a file of 100 MiB would write, if any; `acknowledged`: what its owner has written. */
async function probedOffsets(subject: Partial<ProbeSubject>, acknowledged: Range[] = []) {
  const size = subject.size ?? 100 * MIB;
  const scheduler = new Scheduler(() => 0);
  scheduler.addFile(1, size, 4 * MIB, 1);
  for (const range of acknowledged) scheduler.acknowledgedElsewhere(1, range);
  const posted: RunnerCommand[] = [];
  const run = {
    writers: new Writers(() => {}),
    scheduler,
    pool: { open: [1, 2] },
    runner: { local: { connection: () => ({}) }, post: (command: RunnerCommand) => posted.push(command) },
    pump: () => {},
  } as unknown as UploadContext;
  const listener = { drain: async () => {}, found: () => {}, failed: () => {}, ended: () => {} };
  const search = new WriterSearch(run, 1, listener);
  search.consider({ owner: 1, fd: 3, of: {}, foundSize: 0, size, ...subject });
  await Promise.resolve();
  const probe = posted.find((command) => command.kind === 'probe-writers');
  if (probe !== undefined) search.answered(probe.task, { writers: 'many', written: [] }, undefined);
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
