import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TaskProgress } from '../../../../src/engine/runner/task-progress.ts';
import type { Range } from '../../../../src/remotes/remote.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function make() {
  const told: (readonly Range[])[] = [];
  return { told, progress: new TaskProgress((parts) => told.push(parts)) };
}

test('gathers for a while, puts together what adjoins, and tells each part once', () => {
  const { told, progress } = make();
  progress.add({ offset: 20, length: 10 });
  progress.add({ offset: 0, length: 10 });
  progress.add({ offset: 10, length: 5 });
  expect(told).toEqual([]);
  vi.advanceTimersByTime(100);
  expect(told).toEqual([
    [
      { offset: 0, length: 15 },
      { offset: 20, length: 10 },
    ],
  ]);
  progress.add({ offset: 30, length: 1 });
  vi.advanceTimersByTime(100);
  expect(told.at(-1)).toEqual([{ offset: 30, length: 1 }]);
  expect(progress.total).toBe(26);
});

test('tells at once when asked to, and nothing when there is nothing', () => {
  const { told, progress } = make();
  progress.flush();
  expect(told).toEqual([]);
  progress.add({ offset: 0, length: 1 });
  progress.flush();
  vi.advanceTimersByTime(1000);
  expect(told).toEqual([[{ offset: 0, length: 1 }]]);
});
