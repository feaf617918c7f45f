import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { TransferEvent } from '../../../../src/engine/events.ts';
import { Counters } from '../../../../src/engine/runner/counters.ts';
import { LocalRunner } from '../../../../src/engine/runner/local-runner.ts';
import type {
  Direction,
  FileResult,
  JobServices,
  PlannedFile,
  PlanSink,
  Preparation,
  RunningJob,
} from '../../../../src/engine/transfer/direction.ts';
import type { TransferOptions } from '../../../../src/engine/transfer/transfer-options.ts';
import { TransferRun } from '../../../../src/engine/transfer/transfer-run.ts';
import { CopyError } from '../../../../src/errors.ts';
import { deferred } from '../../../../src/util/deferred.ts';
import { MemoryRemote } from '../../../support/memory-remote.ts';

const SMALL = 1000;
const LARGE = 10 * 1024 * 1024;

/** A direction whose files are copied by what a test hooks in. */
class TestDirection implements Direction {
  readonly name = 'upload' as const;
  isGrowing = true;
  known = 0;
  /** Names of files, in the order in which they began. */
  readonly small: string[] = [];
  readonly large: string[] = [];
  readonly settledWith: boolean[] = [];
  onPlan: (sink: PlanSink<PlannedFile>) => Promise<void> = async () => {};
  onSmall: (name: string) => void | Promise<void> = () => {};
  onLarge: (name: string) => void | Promise<void> = () => {};
  onCompare: (name: string) => boolean | undefined | Promise<boolean | undefined> = () => false;
  onSettling: (sink: PlanSink<PlannedFile>) => void = () => {};
  #sink: PlanSink<PlannedFile> | undefined;

  async prepare(): Promise<Preparation> {
    return {
      lockRoot: { path: Buffer.from('/'), isLocal: false },
      destination: 'd',
      known: { files: this.known, bytes: 0, streams: 0 },
      isGrowing: this.isGrowing,
      failures: [],
    };
  }

  plan(_services: JobServices, sink: PlanSink<PlannedFile>): Promise<void> {
    this.#sink = sink;
    return this.onPlan(sink);
  }

  async settled(hasSucceeded: () => boolean): Promise<void> {
    this.onSettling(this.#sink!);
    this.settledWith.push(hasSucceeded());
  }

  async isUpToDate({ paths }: PlannedFile): Promise<boolean | undefined> {
    return this.onCompare(paths.source);
  }

  async copySmall({ paths, size }: PlannedFile): Promise<FileResult> {
    this.small.push(paths.source);
    await this.onSmall(paths.source);
    return resultOf(size);
  }

  async open(_number: number, { paths, size }: PlannedFile): Promise<RunningJob> {
    const over = deferred<never>();
    over.promise.catch(() => {});
    const job: Partial<RunningJob> = {
      run: async () => {
        this.large.push(paths.source);
        await Promise.race([this.onLarge(paths.source), over.promise]);
        return resultOf(size);
      },
      examine: async (failure) => ({ failure, bytesKept: 0, isSeen: true }),
      onRunOver: (error) => over.reject(error),
      bytesAcknowledged: 0,
      bytesResumed: 0,
      isStream: false,
      isSyncing: () => false,
      onConnectionOpened: () => {},
      onConnectionLost: () => {},
      onServerMayHaveRestarted: () => {},
      onTick: () => {},
      mayRelocate: () => true,
    };
    return job as RunningJob;
  }
}

function resultOf(bytes: number): FileResult {
  return { bytes, isSizeVerified: true, verified: { byDigest: 0, byReadBack: 0 } };
}

function fileOf(name: string, size: number, more: Partial<PlannedFile> = {}): PlannedFile {
  return { paths: { source: name, target: name }, size, isStream: false, replaces: false, ...more };
}

function scene(options: Partial<TransferOptions> = {}) {
  const direction = new TestDirection();
  const events: TransferEvent[] = [];
  const stop = new AbortController();
  const counters = new Counters();
  const all: TransferOptions = {
    pieceSize: 'auto',
    verify: 'none',
    digests: { methods: [], algorithm: 'auto' },
    dryRun: false,
    wanted: 2,
    maxStartups: 8,
    connectIntervalMs: 0,
    retryForMs: 2000,
    ...options,
  };
  const run = () =>
    new TransferRun(new LocalRunner(new MemoryRemote(), counters), counters, direction, all, (event) => {
      events.push(event);
    }).run(stop.signal);
  const states = (state: string): string[] =>
    events.flatMap((event) => (event.type === 'file' && event.state === state ? [event.source] : []));
  return { direction, events, stop, run, states };
}

const planned =
  (...files: readonly PlannedFile[]) =>
  async (sink: PlanSink<PlannedFile>): Promise<void> => {
    for (const file of files) await sink.add(file);
  };

describe('the files of a run', () => {
  test('small ones are copied as a whole, the others by jobs, the largest first', async () => {
    const { direction, run } = scene();
    direction.onPlan = planned(
      ...[1, 3, 2].map((n) => fileOf(`large ${n}`, n * LARGE)),
      ...[1, 2, 3].map((n) => fileOf(`small ${n}`, SMALL)),
    );
    const outcome = await run();
    expect(outcome).toMatchObject({ filesDone: 6, filesFailed: 0, hasEndedRun: false });
    expect(direction.small).toEqual(['small 1', 'small 2', 'small 3']);
    expect([...direction.large].sort()).toEqual(['large 1', 'large 2', 'large 3']);
    expect(direction.settledWith).toEqual([true]);
  });

  test('of many large ones that wait, the largest begins next', async () => {
    const { direction, run } = scene({ wanted: 1 });
    const gate = deferred<void>();
    direction.onLarge = () => gate.promise;
    direction.onPlan = async (sink) => {
      for (const n of [1, 2, 5, 3, 9, 4]) await sink.add(fileOf(`${n}`, n * LARGE));
      await turn();
      gate.resolve();
    };
    await run();
    const waited = direction.large.slice(2);
    expect(waited).toEqual([...waited].sort((a, b) => Number(b) - Number(a)));
  });

  test.each<[known: number, isGrowing: boolean, small: number]>([
    [1, false, 0],
    [9, false, 0],
    [10, false, 10],
    [1, true, 1],
  ])('%i named files, and trees: %s: %i are copied as a whole', async (known, isGrowing, small) => {
    const { direction, run } = scene();
    Object.assign(direction, { known, isGrowing });
    direction.onPlan = planned(...Array.from({ length: known }, (_, n) => fileOf(`${n}`, SMALL)));
    await run();
    expect(direction.small).toHaveLength(small);
    expect(direction.large).toHaveLength(known - small);
  });

  test('a small one that fails gets a job, which succeeds', async () => {
    const { direction, run, states } = scene();
    direction.onPlan = planned(fileOf('a', SMALL), fileOf('b', SMALL));
    direction.onSmall = (name) => {
      if (name === 'a') throw new CopyError('partial-refused', 'no');
    };
    expect(await run()).toMatchObject({ filesDone: 2, filesFailed: 0 });
    expect(direction.large).toEqual(['a']);
    expect(states('failed')).toEqual([]);
  });

  test('after many jobs in vain, small files that fail get none', async () => {
    const { direction, run } = scene();
    direction.onPlan = planned(...Array.from({ length: 2000 }, (_, n) => fileOf(`${n}`, SMALL)));
    const fail = async (): Promise<void> => {
      await turn();
      throw new CopyError('no-space', 'It is full.');
    };
    direction.onSmall = fail;
    direction.onLarge = fail;
    const outcome = await run();
    expect(outcome).toMatchObject({ filesDone: 0, filesFailed: 2000, hasEndedRun: false });
    expect(direction.large.length).toBeLessThan(1000);
  });

  test('one that fails does not stop the others', async () => {
    const { direction, run, states } = scene();
    direction.onPlan = planned(fileOf('a', LARGE), fileOf('b', SMALL), fileOf('c', LARGE), fileOf('d', SMALL));
    const fail = (name: string): void => {
      if ('ab'.includes(name)) throw new CopyError('destination-permission', 'no');
    };
    direction.onSmall = fail;
    direction.onLarge = fail;
    expect(await run()).toMatchObject({ filesDone: 2, filesFailed: 2, hasEndedRun: false });
    expect(states('done').sort()).toEqual(['c', 'd']);
    expect(direction.settledWith).toEqual([false]);
  });

  test('one whose contents are the same is skipped', async () => {
    const { direction, run, states } = scene();
    direction.onPlan = planned(
      fileOf('same', SMALL, { isCompared: true }),
      fileOf('other', SMALL, { isCompared: true }),
      fileOf('unknown', LARGE, { isCompared: true }),
      fileOf('broken', SMALL, { isCompared: true }),
    );
    direction.onCompare = (name) => {
      if (name === 'broken') throw new CopyError('source-unreadable', 'no');
      return name === 'unknown' ? undefined : name === 'same';
    };
    expect(await run()).toMatchObject({ filesDone: 3, filesSkipped: 1, bytesSkipped: SMALL });
    expect(states('skipped')).toEqual(['same']);
  });

  test('a link that fails at the end counts: the copy has not succeeded', async () => {
    const { direction, run } = scene();
    direction.onSettling = (sink) =>
      sink.fail({ ...fileOf('link', 0), error: new CopyError('destination-permission', 'no') });
    await run();
    expect(direction.settledWith).toEqual([false]);
  });
});

describe('what ends the run', () => {
  const ending = (): never => {
    throw new CopyError('no-connection', 'All are gone.');
  };

  test.each<[what: string, prepare: (direction: TestDirection) => void]>([
    ['the walk', (direction) => Object.assign(direction, { onPlan: async () => ending() })],
    ['a small file', (direction) => Object.assign(direction, { onSmall: ending })],
    ['a large file', (direction) => Object.assign(direction, { onLarge: ending })],
    ['a comparison', (direction) => Object.assign(direction, { onCompare: ending })],
  ])('%s: nobody waits for room, for a file or for the others', async (_, prepare) => {
    const { direction, run } = scene();
    direction.onPlan = async (sink) => {
      for (let n = 0; ; n++) {
        await sink.add(fileOf(`${n}`, n % 2 === 0 ? SMALL : LARGE, { isCompared: n === 0 }));
      }
    };
    prepare(direction);
    const outcome = await run();
    expect(outcome).toMatchObject({ hasEndedRun: true, error: { code: 'no-connection' } });
  });

  test.each(['small', 'large'] as const)('a stop, while the walk waits for room for %s files', async (kind) => {
    const { direction, run, stop } = scene();
    const gate = deferred<void>();
    stop.signal.addEventListener('abort', () => gate.reject(new CopyError('cancelled', 'It was stopped.')));
    gate.promise.catch(() => {});
    direction.onSmall = () => gate.promise;
    direction.onLarge = () => gate.promise;
    let added = 0;
    direction.onPlan = async (sink) => {
      setTimeout(() => stop.abort(new CopyError('cancelled', 'It was stopped.')), 100);
      for (;;) {
        await sink.add(fileOf(`${added}`, kind === 'small' ? SMALL : LARGE));
        added++;
      }
    };
    const outcome = await run();
    expect(outcome).toMatchObject({ hasEndedRun: true, error: { code: 'cancelled' } });
    expect(added).toBeGreaterThanOrEqual(10_000);
    expect(added).toBeLessThan(10_300);
  });
});

test('a dry run copies nothing, and tells what would be copied', async () => {
  const { direction, run, states } = scene({ dryRun: true });
  direction.onPlan = planned(
    fileOf('a', SMALL),
    fileOf('b', LARGE),
    fileOf('c', SMALL, { isCompared: true }),
    fileOf('d', LARGE, { isCompared: true }),
  );
  direction.onCompare = (name) => name === 'c';
  await run();
  expect([direction.small, direction.large]).toEqual([[], []]);
  expect(states('would-copy').sort()).toEqual(['a', 'b', 'd']);
  expect(states('skipped')).toEqual(['c']);
});

test('the totals grow while trees are walked', async () => {
  const { direction, run, events } = scene();
  direction.onPlan = async (sink) => {
    await sink.add(fileOf('a', SMALL));
    sink.skip(fileOf('b', SMALL));
    sink.made({ source: 'l', target: 'l' });
    sink.fail({ ...fileOf('c', 0), error: new CopyError('source-unreadable', 'no') });
  };
  await run();
  const plans = events.flatMap((event) => (event.type === 'plan' ? [event] : []));
  expect(plans).toMatchObject([
    { files: 0, isTotalKnown: false, isGrowing: true },
    { files: 2, bytes: SMALL },
  ]);
  expect(plans[1]).not.toHaveProperty('isGrowing');
});
