import { afterEach, expect, test } from 'vitest';
import { CopyError } from '../../../../src/errors.ts';
import type { Range, Slices } from '../../../../src/remotes/remote.ts';
import { FlowWindow, SMALL_REQUEST } from '../../../../src/remotes/sftp/flow-window.ts';
import { SliceReader } from '../../../../src/remotes/sftp/slice-reader.ts';
import { type Deferred, deferred } from '../../../../src/util/deferred.ts';
import { slicesOf, sourceBytes } from './staging.ts';

const KIB = 1024;
const source = sourceBytes(1000 * KIB);
const whole = { offset: 0, length: source.length };

interface Asked extends Range {
  readonly answer: Deferred<Uint8Array | 'eof'>;
}

/** A file of which every answer is given by the test. */
class Scene {
  readonly window = new FlowWindow({
    maxRequest: 255 * KIB,
    requests: 3,
    stallTimeoutMs: Number.POSITIVE_INFINITY,
    now: () => 0,
  });
  readonly asked: Asked[] = [];
  readonly drained: Range[] = [];
  readonly sink: Buffer = Buffer.alloc(source.length);
  readonly reader: SliceReader;
  takes = 0;

  constructor() {
    const read = (_: Uint8Array, offset: number, length: number) => {
      const answer = deferred<Uint8Array | 'eof'>();
      this.asked.push({ offset, length, answer });
      return answer.promise;
    };
    const endedEarly = () => new CopyError('source-changed', 'It became shorter.');
    this.reader = new SliceReader({ read, recycle: () => {} }, this.window, Buffer.from('handle'), endedEarly);
  }

  readonly drain = async (views: readonly Uint8Array[], offset: number): Promise<void> => {
    const bytes = Buffer.concat(views);
    this.drained.push({ offset, length: bytes.length });
    this.sink.set(bytes, offset);
  };

  /** Hands out a range, and counts how often it is asked to. */
  slices(range: Range): Slices {
    const slices = slicesOf(range);
    return {
      take: (maxLength) => {
        this.takes++;
        return slices.take(maxLength);
      },
    };
  }

  /** Answers what was asked `index`th, with at most `most` bytes. */
  async answer(index: number, most = Number.POSITIVE_INFINITY): Promise<void> {
    const { offset, length, answer } = this.asked[index]!;
    answer.resolve(source.subarray(offset, offset + Math.min(length, most)));
    await settled();
  }

  /** Answers everything, newest first, until nothing more is asked. */
  async answerAll(from = 0): Promise<void> {
    for (let next = from; next < this.asked.length; ) {
      const end = this.asked.length;
      for (let index = end - 1; index >= next; index--) await this.answer(index);
      next = end;
    }
  }
}

/** Everything that can go on has gone on. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Notes how a promise ends. */
function watch(promise: Promise<void>): { outcome: unknown } {
  const watched: { outcome: unknown } = { outcome: 'under way' };
  promise.then(
    () => {
      watched.outcome = 'done';
    },
    (error: unknown) => {
      watched.outcome = error;
    },
  );
  return watched;
}

let scene = new Scene();
afterEach(() => {
  expect(scene.window.inFlight, 'nothing is left in flight').toBe(0);
  scene = new Scene();
});

test('requests as much as the window has room for, and accepts answers in any order', async () => {
  const reading = scene.reader.read(slicesOf(whole), scene.drain);
  await settled();
  expect(scene.asked.map(({ offset, length }) => ({ offset, length }))).toEqual(
    [0, 1, 2].map((n) => ({ offset: n * SMALL_REQUEST, length: SMALL_REQUEST })),
  );
  await scene.answerAll();
  await reading;
  expect(scene.sink.equals(source)).toBe(true);
  expect(scene.drained.reduce((sum, { length }) => sum + length, 0)).toBe(source.length);
  expect(scene.drained[0]!.offset).toBe(2 * SMALL_REQUEST);
});

test('an answer that is too short is continued from where it ended', async () => {
  const reading = scene.reader.read(slicesOf({ offset: 100, length: 10_000 }), scene.drain);
  await settled();
  await scene.answer(0, 3000);
  await scene.answer(1, 1);
  await scene.answer(2);
  await reading;
  expect(scene.asked.map(({ offset, length }) => [offset, length])).toEqual([
    [100, 10_000],
    [3100, 7000],
    [3101, 6999],
  ]);
  expect(scene.sink.subarray(100, 10_100).equals(source.subarray(100, 10_100))).toBe(true);
});

test('without slices there are no requests', async () => {
  await scene.reader.read({ take: () => undefined }, scene.drain);
  expect(scene.asked).toEqual([]);
});

test('an early end is the failure, reported when all other answers are drained; no requests follow', async () => {
  const reading = watch(scene.reader.read(scene.slices(whole), scene.drain));
  await settled();
  await scene.answer(0, 5000);
  scene.asked[3]!.answer.resolve('eof');
  await settled();
  expect(reading.outcome).toBe('under way');
  await scene.answer(1);
  await scene.answer(2, 10_000);
  expect(reading.outcome).toMatchObject({ code: 'source-changed' });
  expect(scene.asked).toHaveLength(4);
  expect(scene.drained.map(({ length }) => length)).toEqual([5000, SMALL_REQUEST, 10_000]);
  expect(scene.takes, 'nothing more is taken').toBe(3);
});

test('the first failure is reported', async () => {
  const reading = watch(scene.reader.read(scene.slices(whole), scene.drain));
  await settled();
  scene.asked[1]!.answer.reject(new Error('no'));
  await settled();
  scene.asked[0]!.answer.reject(new Error('neither'));
  scene.asked[2]!.answer.resolve('eof');
  await settled();
  expect(reading.outcome).toEqual(new Error('no'));
  expect(scene.drained).toEqual([]);
  expect(scene.takes, 'nothing more is taken').toBe(3);
});

test('a failure of a drain is reported when no other drain is in progress', async () => {
  const drains: Deferred<void>[] = [];
  const drain = (): Promise<void> => {
    drains.push(deferred());
    return drains.at(-1)!.promise;
  };
  const reading = watch(scene.reader.read(scene.slices(whole), drain));
  await settled();
  for (const index of [0, 1, 2]) await scene.answer(index);
  drains[1]!.reject(new Error('disk gone'));
  drains[0]!.resolve();
  await settled();
  expect(reading.outcome).toBe('under way');
  drains[2]!.resolve();
  await settled();
  expect(reading.outcome).toEqual(new Error('disk gone'));
  expect(scene.asked).toHaveLength(3);
  expect(scene.takes, 'nothing more is taken').toBe(3);
});

test('bytes that are not drained count as in flight, so that a slow disk limits the requests', async () => {
  const drains: Deferred<void>[] = [];
  const drain = (): Promise<void> => {
    drains.push(deferred());
    return drains.at(-1)!.promise;
  };
  const reading = scene.reader.read(slicesOf({ offset: 0, length: 5 * SMALL_REQUEST }), drain);
  await settled();
  for (const index of [0, 1, 2]) await scene.answer(index);
  expect(scene.asked).toHaveLength(3);
  expect(scene.window.inFlight).toBe(3 * SMALL_REQUEST);
  drains[2]!.resolve();
  await settled();
  expect(scene.asked).toHaveLength(4);
  drains[0]!.resolve();
  drains[1]!.resolve();
  await settled();
  expect(scene.asked).toHaveLength(5);
  for (const index of [3, 4]) await scene.answer(index);
  for (const { resolve } of drains) resolve();
  await reading;
});

test('the view stays valid until its drain has settled', async () => {
  const drained = deferred<void>();
  let seen: Uint8Array | undefined;
  const reading = scene.reader.read(slicesOf({ offset: 0, length: 10_000 }), async ([view]) => {
    seen = view;
    await drained.promise;
  });
  await settled();
  await scene.answer(0, 4000);
  expect(scene.asked, 'the rest is asked for afterwards').toHaveLength(1);
  expect(seen?.length).toBe(4000);
  drained.resolve();
  await settled();
  await scene.answer(1);
  await reading;
});

test('overlapping calls share the window, and fail separately', async () => {
  const half = source.length / 2;
  const first = watch(scene.reader.read(slicesOf({ offset: 0, length: half }), scene.drain));
  const second = watch(scene.reader.read(slicesOf({ offset: half, length: half }), () => Promise.reject('full')));
  await settled();
  expect(scene.window.inFlight).toBeLessThanOrEqual(4 * SMALL_REQUEST);
  await scene.answerAll();
  expect(first.outcome).toBe('done');
  expect(second.outcome).toBe('full');
  expect(scene.sink.subarray(0, half).equals(source.subarray(0, half))).toBe(true);
});

test('a failure of the slices is the failure of the read', async () => {
  const slices = { take: () => Promise.reject(new Error('no more')) };
  await expect(scene.reader.read(slices, scene.drain)).rejects.toMatchObject({ message: 'no more' });
});

test('a slice that arrives after a failure is not requested', async () => {
  const [first, later] = [{ offset: 0, length: 1000 }, deferred<Range>()];
  const takes: (Range | Promise<Range>)[] = [first, later.promise];
  const reading = watch(scene.reader.read({ take: () => takes.shift() }, scene.drain));
  await settled();
  scene.asked[0]!.answer.reject(new Error('no'));
  await settled();
  later.resolve({ offset: 1000, length: 1000 });
  await settled();
  expect(reading.outcome).toEqual(new Error('no'));
  expect(scene.asked).toHaveLength(1);
});

test('ending fails the calls, and resolves when no request for the handle is in flight', async () => {
  const reading = watch(scene.reader.read(slicesOf(whole), scene.drain));
  await settled();
  const ending = watch(scene.reader.end());
  await scene.answer(0, 10);
  await scene.answer(2);
  expect([reading.outcome, ending.outcome]).toEqual(['under way', 'under way']);
  await scene.answer(1);
  expect(reading.outcome).toMatchObject({ code: 'bug' });
  expect(ending.outcome).toBe('done');
  await expect(scene.reader.read(slicesOf(whole), scene.drain)).rejects.toMatchObject({ code: 'bug' });
  expect(scene.asked).toHaveLength(3);
});
