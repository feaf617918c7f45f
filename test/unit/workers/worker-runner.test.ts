import { openSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { Counters } from '../../../src/engine/runner/counters.ts';
import type { RunnerReport } from '../../../src/engine/runner/piece-runner.ts';
import { WorkerRunner } from '../../../src/workers/worker-runner.ts';
import { startMemoryWorker } from '../../support/memory-worker.ts';
import { repoRoot } from '../../support/repo-root.ts';
import { waitFor } from '../../support/wait-for.ts';
import { pieceRunnerCompliance } from '../engine/runner/piece-runner-compliance.ts';

pieceRunnerCompliance('WorkerRunner', async (faults, counters) => {
  const memory = startMemoryWorker(faults, counters);
  const token = await memory.stage();
  return { ...memory, runner: new WorkerRunner(memory.worker, counters), token };
});

const KIB = 1024;

async function working() {
  const counters = new Counters();
  const memory = startMemoryWorker({ holdAcknowledgements: true }, counters);
  const of = await memory.stage();
  const runner = new WorkerRunner(memory.worker, counters);
  onTestFinished(() => runner.end());
  const reports: RunnerReport[] = [];
  runner.onReport((report) => reports.push(report));
  const fd = openSync(`${repoRoot}/package.json`, 'r');
  runner.post({ kind: 'open', connection: 3 });
  runner.post({ kind: 'open', connection: 4 });
  await waitFor(() => reports.filter(({ kind }) => kind === 'opened').length === 2, { what: 'two connections' });
  const range = { offset: 0, length: KIB };
  runner.post({ kind: 'send', task: 7, connection: 3, fd, of, range });
  await waitFor(() => counters.inFlight(3) === KIB && reports.some(({ kind }) => kind === 'taken'), {
    what: 'bytes in flight',
  });
  return { counters, worker: memory.worker, runner, reports, of, fd };
}

const gone = expect.objectContaining({ code: 'connection-lost', scope: 'connection' });

test('a thread that dies ends its tasks first and then loses its connections, and nothing is in flight', async () => {
  const { counters, worker, runner, reports } = await working();
  reports.length = 0;
  await worker.terminate();
  expect(await runner.gone).toMatchObject({ code: 'connection-lost' });
  expect(reports).toEqual([
    { kind: 'ended', task: 7, error: gone },
    { kind: 'lost', connection: 3, error: gone },
    { kind: 'lost', connection: 4, error: gone },
  ]);
  expect(counters.inFlight(3)).toBe(0);
});

test('what is asked of a thread that is gone fails, later and in the words of the port', async () => {
  const { worker, runner, reports, of, fd } = await working();
  await worker.terminate();
  await runner.gone;
  reports.length = 0;
  const [range, from] = [{ offset: 0, length: KIB }, Buffer.from('/home/source')];
  runner.post({ kind: 'open', connection: 3 });
  runner.post({ kind: 'send', task: 8, connection: 3, fd, of, range });
  runner.post({ kind: 'shorten', task: 8, length: 0 });
  runner.post({ kind: 'leave', job: 7, connection: 3, of });
  runner.post({ kind: 'ask', connection: 3 });
  runner.post({ kind: 'receive', task: 9, connection: 3, fd, from, range });
  runner.post({ kind: 'close-file', job: 7, connection: 3, from });
  runner.post({ kind: 'close', connection: 3 });
  expect(reports).toEqual([]);
  await waitFor(() => reports.length === 6, { what: 'six answers' });
  expect(reports).toEqual([
    { kind: 'open-failed', connection: 3, error: gone },
    { kind: 'ended', task: 8, error: gone },
    { kind: 'left', job: 7, connection: 3, of, error: gone },
    { kind: 'answered', connection: 3, error: gone },
    { kind: 'ended', task: 9, error: gone },
    { kind: 'file-closed', job: 7, connection: 3, from, error: gone },
  ]);
});

test('an end that was asked for is no failure', async () => {
  const { runner } = await working();
  await runner.end();
  expect(await runner.gone).toBeUndefined();
});
