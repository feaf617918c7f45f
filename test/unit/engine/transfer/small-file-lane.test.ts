import { expect, test } from 'vitest';
import type { PlannedFile } from '../../../../src/engine/transfer/direction.ts';
import { MAX_SMALL_FILE, SmallFileLane } from '../../../../src/engine/transfer/small-file-lane.ts';
import { type Deferred, deferred } from '../../../../src/util/deferred.ts';
import { settled, turns } from '../../../support/turns.ts';

const KIB = 1024;

function fileOf(size: number): PlannedFile {
  return { paths: { source: 's', target: 't' }, size, isStream: false, replaces: false };
}

function scene() {
  const state = { connections: [1, 2] as number[] };
  const stop = new AbortController();
  const copies: { connection: number | undefined; size: number; end: Deferred<void>; hasEnded: boolean }[] = [];
  const lane = new SmallFileLane({
    connections: () => state.connections,
    copy: async ({ size }, connection) => {
      const copy = { connection, size, end: deferred<void>(), hasEnded: false };
      copies.push(copy);
      await copy.end.promise.finally(() => {
        copy.hasEnded = true;
      });
    },
    signal: stop.signal,
  });
  const inProgress = (connection?: number) => copies.filter((copy) => !copy.hasEnded && copy.connection === connection);
  return { state, stop, copies, lane, inProgress };
}

async function* sizes(...each: readonly number[]): AsyncGenerator<PlannedFile> {
  for (const size of each) yield fileOf(size);
}

async function* endless(size: number): AsyncGenerator<PlannedFile> {
  for (;;) yield fileOf(size);
}

test.each([
  [0, 64],
  [4 * KIB, 64],
  [64 * KIB, 32],
  [MAX_SMALL_FILE, 8],
])('of files of %i bytes, %i are in progress on each connection', async (size, expected) => {
  const { lane, stop, copies, inProgress } = scene();
  const running = lane.run(endless(size));
  await turns(2000);
  expect([inProgress(1).length, inProgress(2).length]).toEqual([expected, expected]);
  copies[0]!.end.resolve();
  await turns();
  expect(inProgress(copies[0]!.connection).length).toBe(expected);
  stop.abort();
  for (const { end } of copies) end.resolve();
  await running;
});

test('a connection that comes later gets files, and one that is gone gets none', async () => {
  const { lane, state, stop, copies, inProgress } = scene();
  state.connections = [1];
  const running = lane.run(endless(4 * KIB));
  await turns(1000);
  state.connections = [3];
  copies[0]!.end.resolve();
  await turns(1000);
  expect([inProgress(1).length, inProgress(3).length]).toEqual([63, 64]);
  stop.abort();
  for (const { end } of copies) end.resolve();
  await running;
});

test('while no connection is open, what waits for one is bounded', async () => {
  const { lane, state, stop, copies, inProgress } = scene();
  state.connections = [];
  const running = lane.run(endless(1));
  await turns(1000);
  expect(inProgress(undefined)).toHaveLength(64);
  stop.abort();
  for (const { end } of copies) end.resolve();
  await running;
});

test('has ended when the last file has', async () => {
  const { lane, copies } = scene();
  const running = lane.run(sizes(1, 2, 3));
  expect(await settled(running)).toBe(false);
  expect(lane.isBusy).toBe(true);
  for (const { end } of copies.slice(0, 2)) end.resolve();
  expect(await settled(running)).toBe(false);
  copies[2]!.end.resolve();
  await running;
  expect(lane.isBusy).toBe(false);
});

test('has ended at once where there is no file', async () => {
  await expect(scene().lane.run(sizes())).resolves.toBeUndefined();
});

test.each(['while files are in progress', 'while it waits for room'])(
  'after a failure %s, the others are waited for, and no file begins',
  async (when) => {
    const { lane, copies } = scene();
    const count = when === 'while it waits for room' ? 200 : 3;
    const running = lane.run(sizes(...new Array<number>(count).fill(1)));
    running.catch(() => {});
    await turns(2000);
    const begun = copies.length;
    copies[0]!.end.reject(new Error('first'));
    expect(await settled(running)).toBe(false);
    for (const { end } of copies.slice(1)) end.resolve();
    await expect(running).rejects.toThrow('first');
    expect(copies.length).toBe(begun);
  },
);

test('when the run is over while it waits for room, no other file begins', async () => {
  const { lane, stop, copies } = scene();
  const running = lane.run(endless(1));
  await turns(2000);
  const begun = copies.length;
  stop.abort();
  for (const { end } of copies) end.resolve();
  await running;
  expect(copies.length).toBe(begun);
});

test('when the run is over while it waits for a file, it ends with the files', async () => {
  const { lane, stop } = scene();
  const end = deferred<void>();
  const files = (async function* (): AsyncGenerator<PlannedFile> {
    await end.promise;
    yield fileOf(1);
  })();
  const running = lane.run(files);
  stop.abort();
  expect(await settled(running)).toBe(false);
  end.resolve();
  await expect(running).resolves.toBeUndefined();
});
