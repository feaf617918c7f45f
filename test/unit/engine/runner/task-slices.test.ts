import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Counters } from '../../../../src/engine/runner/counters.ts';
import { TaskSlices } from '../../../../src/engine/runner/task-slices.ts';
import { CopyError } from '../../../../src/errors.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function make(offset: number, length: number) {
  const counters = new Counters();
  const log: string[] = [];
  const slices = new TaskSlices({ offset, length }, 7, counters, () => log.push('taken'));
  const shorten = (to: number): void => slices.shorten(to, (kept) => log.push(`keeps ${kept}`));
  return { counters, slices, log, shorten };
}

test('hands out everything once, in order, and tells when nothing is left', () => {
  const { slices, log, counters } = make(100, 25);
  expect(slices.take(10)).toEqual({ offset: 100, length: 10 });
  expect(slices.take(10)).toEqual({ offset: 110, length: 10 });
  expect(log).toEqual([]);
  expect(slices.take(10)).toEqual({ offset: 120, length: 5 });
  expect(log, 'with the last byte, not when somebody asks again').toEqual(['taken']);
  expect(slices.take(10)).toBeUndefined();
  expect(log).toEqual(['taken']);
  expect(counters.inFlight(7)).toBe(25);
});

test('a cut keeps what was taken; what is kept is told before that nothing is left', () => {
  const { slices, log, shorten } = make(100, 50);
  slices.take(20);
  shorten(30);
  expect(log).toEqual(['keeps 30']);
  shorten(5);
  expect(log).toEqual(['keeps 30', 'keeps 20', 'taken']);
  expect(slices.take(10)).toBeUndefined();
  shorten(50);
  expect(log).toEqual(['keeps 30', 'keeps 20', 'taken', 'keeps 20']);
});

test('the rate limit holds takers back until something is allowed', async () => {
  const { slices, counters } = make(0, 50);
  counters.limit();
  let got: unknown = 'nothing yet';
  void Promise.resolve(slices.take(20)).then((range) => {
    got = range;
  });
  await vi.advanceTimersByTimeAsync(5000);
  expect(got).toBe('nothing yet');
  counters.allow(1, 100);
  await vi.advanceTimersByTimeAsync(10);
  expect(got).toEqual({ offset: 0, length: 20 });
});

test('a taker that waits learns of a cut', async () => {
  const { slices, counters, shorten, log } = make(0, 50);
  counters.limit();
  const waiting = slices.take(20);
  shorten(0);
  await vi.advanceTimersByTimeAsync(10);
  expect(await waiting).toBeUndefined();
  expect(log).toEqual(['keeps 0', 'taken']);
});

test('several takers that wait get different bytes', async () => {
  const { slices, counters } = make(0, 30);
  counters.limit();
  const waiting = Promise.all([slices.take(20), slices.take(20)]);
  counters.allow(100, 100);
  await vi.advanceTimersByTimeAsync(10);
  expect(await waiting).toEqual([
    { offset: 0, length: 20 },
    { offset: 20, length: 10 },
  ]);
});

test('nothing is handed out once its connection is gone, to nobody who waits either', async () => {
  const { slices, counters, log } = make(0, 30);
  counters.limit();
  const waiting = Promise.resolve(slices.take(20));
  const outcome = expect(waiting).rejects.toMatchObject({ code: 'connection-lost' });
  slices.fail(new CopyError('connection-lost', 'Cut.'));
  await vi.advanceTimersByTimeAsync(10);
  await outcome;
  counters.allow(100, 100);
  expect(() => slices.take(1)).toThrow(expect.objectContaining({ code: 'connection-lost' }));
  expect(log).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});
