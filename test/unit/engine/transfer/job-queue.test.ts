import { expect, test } from 'vitest';
import { forEachConcurrently } from '../../../../src/engine/transfer/job-queue.ts';
import { deferred } from '../../../../src/util/deferred.ts';

function scene(count: number) {
  const state = { taken: 0, isReturned: false };
  async function* items(): AsyncGenerator<number> {
    try {
      for (; state.taken < count; ) yield state.taken++;
    } finally {
      state.isReturned = true;
    }
  }
  return { items: items(), state, over: new AbortController() };
}

async function severalTurns(): Promise<void> {
  for (let turns = 0; turns < 100; turns++) await Promise.resolve();
}

test('works on all items, no more at a time than allowed', async () => {
  const { items, over } = scene(10);
  const done: number[] = [];
  let underWay = 0;
  let most = 0;
  await forEachConcurrently(items, { limit: 3, signal: over.signal }, async (item) => {
    most = Math.max(most, ++underWay);
    await severalTurns();
    underWay--;
    done.push(item);
  });
  expect(done.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(most).toBe(3);
});

test('takes no item before somebody can work on it', async () => {
  const { items, state, over } = scene(1000);
  const first = deferred<void>();
  const running = forEachConcurrently(items, { limit: 2, signal: over.signal }, () => first.promise);
  await severalTurns();
  expect(state.taken).toBe(2);
  over.abort();
  first.resolve();
  await running;
  expect(state).toEqual({ taken: 2, isReturned: true });
});

test('after a failure no other item is taken, and what is under way is waited for', async () => {
  const { items, state, over } = scene(100);
  const [failing, other] = [deferred<void>(), deferred<void>()];
  let isOver = false;
  const failure = new Error('It fails.');
  const running = forEachConcurrently(items, { limit: 2, signal: over.signal }, async (item) => {
    await (item === 0 ? failing : other).promise;
  }).finally(() => {
    isOver = true;
  });
  running.catch(() => {});
  await severalTurns();
  failing.reject(failure);
  await severalTurns();
  expect(isOver).toBe(false);
  other.resolve();
  await expect(running).rejects.toBe(failure);
  expect(state).toEqual({ taken: 2, isReturned: true });
});

test('a failure to plan items is the failure of the whole', async () => {
  const failure = new Error('No more can be planned.');
  async function* items(): AsyncGenerator<number> {
    yield 1;
    throw failure;
  }
  const done: number[] = [];
  const signal = new AbortController().signal;
  const running = forEachConcurrently(items(), { limit: 4, signal }, async (item) => void done.push(item));
  await expect(running).rejects.toBe(failure);
  expect(done).toEqual([1]);
});
