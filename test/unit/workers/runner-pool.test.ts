import { closeSync, openSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { Counters } from '../../../src/engine/runner/counters.ts';
import { LocalRunner } from '../../../src/engine/runner/local-runner.ts';
import type { RunnerReport } from '../../../src/engine/runner/piece-runner.ts';
import { RunnerPool } from '../../../src/workers/runner-pool.ts';
import type { LoadSample } from '../../../src/workers/thread-need.ts';
import { tempDirForTest } from '../../support/for-one-test.ts';
import { MemoryRemote, stagedName } from '../../support/memory-remote.ts';
import { type MemoryWorker, startMemoryWorker } from '../../support/memory-worker.ts';
import { repoRoot } from '../../support/repo-root.ts';
import { waitFor } from '../../support/wait-for.ts';
import { pieceRunnerCompliance } from '../engine/runner/piece-runner-compliance.ts';

const target = Buffer.from('/home/f');

pieceRunnerCompliance('RunnerPool', async (faults, counters) => {
  const remote = new MemoryRemote(faults);
  const home = await remote.connect(1000, new AbortController().signal);
  const { token } = await home.stage(target, 'new');
  await home.close();
  const local = new LocalRunner(remote, counters);
  const startWorker = () => startMemoryWorker(faults, counters).worker;
  return {
    runner: new RunnerPool({ local, counters, startWorker, isGrowing: () => false }),
    token,
    put: (path, bytes) => remote.put(path, bytes),
    lose: (connection) => remote.lose(connection),
    release: () => remote.release(),
    contents: () => remote.contents(stagedName('/home/f'))!,
    open: () => remote.open,
    readers: () => remote.readers,
  };
});

interface Scene {
  readonly pool: RunnerPool;
  readonly here: MemoryRemote;
  readonly workers: Worker[];
  /** Of the workers, in the same order, unless the test starts them. */
  readonly memories: MemoryWorker[];
  readonly counters: Counters;
  readonly reports: RunnerReport[];
  readonly samples: LoadSample[];
  readonly warnings: string[];
}

/** A pool of which a thread is wanted as long as there are fewer than `wanted` with this one. */
function scene(wanted: number, startWorker?: () => Worker): Scene {
  const counters = new Counters();
  const here = new MemoryRemote();
  const workers: Worker[] = [];
  const memories: MemoryWorker[] = [];
  const start = (): Worker => {
    memories.push(startMemoryWorker({}, counters));
    return memories.at(-1)!.worker;
  };
  const [reports, samples, warnings]: [RunnerReport[], LoadSample[], string[]] = [[], [], []];
  const pool = new RunnerPool({
    local: new LocalRunner(here, counters),
    counters,
    startWorker: () => {
      const worker = startWorker?.() ?? start();
      workers.push(worker);
      return worker;
    },
    onWarning: (message) => warnings.push(message),
    isGrowing: (sample) => {
      samples.push(sample);
      return sample.busy.length < wanted && sample.useful > 1;
    },
  });
  pool.onReport((report) => reports.push(report));
  onTestFinished(() => pool.end());
  return { pool, here, workers, memories, counters, reports, samples, warnings };
}

function of<K extends RunnerReport['kind']>(reports: readonly RunnerReport[], kind: K) {
  return reports.filter((report): report is Extract<RunnerReport, { kind: K }> => report.kind === kind);
}

async function open({ pool, reports }: Scene, connections: readonly number[]): Promise<void> {
  const before = of(reports, 'opened').length;
  for (const connection of connections) pool.post({ kind: 'open', connection });
  await waitFor(() => of(reports, 'opened').length === before + connections.length, { what: 'connections' });
}

async function reopen(all: Scene, connection: number): Promise<void> {
  all.pool.post({ kind: 'close', connection });
  await waitFor(() => of(all.reports, 'lost').some((report) => report.connection === connection), { what: 'its end' });
  await open(all, [connection]);
}

test('asks connections to move into a new thread, never the first two, and only as many as is fair', async () => {
  const all = scene(2);
  await open(all, [1, 2, 3, 4, 5, 6]);
  await waitFor(() => of(all.reports, 'relocate').length > 0, { what: 'a call to move' });
  expect(of(all.reports, 'relocate').map(({ connection }) => connection)).toEqual([3, 4, 5]);
  for (const connection of [3, 4, 5]) await reopen(all, connection);
  expect(all.here.open).toEqual([1, 2, 6]);
  // Here again, though the worker is as free.
  await reopen(all, 2);
  expect(all.here.open).toEqual([1, 2, 6]);
  await waitFor(() => all.samples.length > 3, { what: 'more samples' });
  expect(all.pool.workers).toBe(1);
  expect(of(all.reports, 'relocate')).toHaveLength(3);
});

test('samples are shares of time and numbers of cores', async () => {
  const all = scene(1);
  await open(all, [1, 2]);
  await waitFor(() => all.samples.length > 2, { what: 'samples' });
  for (const { busy, idleCores, useful } of all.samples.slice(1)) {
    expect(busy).toHaveLength(1);
    expect(busy[0]).toBeGreaterThanOrEqual(0);
    expect(busy[0]).toBeLessThanOrEqual(1);
    expect(idleCores).toBeGreaterThanOrEqual(0);
    expect(useful, 'the first two never move').toBe(1);
  }
});

test('a thread that dies is told of, its connections open elsewhere, and no other is started', async () => {
  const all = scene(2);
  await open(all, [1, 2, 3, 4]);
  await waitFor(() => of(all.reports, 'relocate').length === 2, { what: 'a call to move' });
  await reopen(all, 3);
  await all.workers[0]!.terminate();
  await waitFor(() => all.warnings.length > 0, { what: 'a warning' });
  expect(all.warnings).toEqual(['A thread of this program ended.']);
  expect(of(all.reports, 'lost').at(-1)).toMatchObject({ connection: 3, error: { code: 'connection-lost' } });
  await open(all, [3]);
  expect(all.here.open).toEqual([1, 2, 3, 4]);
  expect(all.workers).toHaveLength(1);
});

test('tasks and cuts go to the thread that has the connection', async () => {
  const all = scene(2);
  await open(all, [1, 2, 3, 4]);
  await waitFor(() => of(all.reports, 'relocate').length === 2, { what: 'a call to move' });
  await reopen(all, 3);
  const fd = openSync(`${repoRoot}/package.json`, 'r');
  // Neither remote knows such a file: the connection itself answers.
  all.pool.post({ kind: 'ask', connection: 3 });
  all.pool.post({ kind: 'send', task: 1, connection: 3, fd, of: { stage: '/x' }, range: { offset: 0, length: 10 } });
  await waitFor(() => of(all.reports, 'ended').length === 1, { what: 'the end of the task' });
  expect(of(all.reports, 'answered')).toEqual([{ kind: 'answered', connection: 3 }]);
  expect(of(all.reports, 'ended')).toEqual([{ kind: 'ended', task: 1 }]);
  expect(all.here.bytesStored).toBe(0);
  const [from, range] = [Buffer.from('/home/source'), { offset: 0, length: 10 }];
  await all.memories[0]!.put('/home/source', Buffer.alloc(10, 'x'));
  const sink = openSync((await tempDirForTest()).file('sink'), 'w');
  all.counters.limit();
  all.pool.post({ kind: 'receive', task: 2, connection: 3, fd: sink, from, range });
  all.pool.post({ kind: 'shorten', task: 2, length: 5 });
  await waitFor(() => of(all.reports, 'shortened').length === 1, { what: 'the cut' });
  all.counters.allow(100, 100);
  await waitFor(() => of(all.reports, 'ended').length === 2, { what: 'the end of the other task' });
  closeSync(sink);
  expect(of(all.reports, 'shortened')).toEqual([{ kind: 'shortened', task: 2, length: 5 }]);
  expect(of(all.reports, 'ended')[1]).toEqual({ kind: 'ended', task: 2 });
  expect([await all.memories[0]!.readers(), all.here.readers]).toEqual([1, 0]);
  all.pool.post({ kind: 'close-file', job: 7, connection: 3, from });
  await waitFor(() => of(all.reports, 'file-closed').length === 1, { what: 'the end of the file' });
  expect(await all.memories[0]!.readers()).toBe(0);
});

test('a thread that cannot be started is told of, and missed by nobody', async () => {
  const all = scene(2, () => {
    throw new Error('no more threads');
  });
  await open(all, [1, 2, 3, 4]);
  await waitFor(() => all.warnings.length > 0, { what: 'a warning' });
  expect(all.warnings[0]).toContain('no more threads');
  expect(all.here.open).toEqual([1, 2, 3, 4]);
});
