import { expect, test } from 'vitest';
import { FileLedger } from '../../../../src/engine/schedule/file-ledger.ts';
import { IdleConnections } from '../../../../src/engine/schedule/idle-connections.ts';
import { ScheduledFile, ScheduledTask } from '../../../../src/engine/schedule/scheduled-file.ts';
import { TaskCuts } from '../../../../src/engine/schedule/task-cuts.ts';

const PIECE = 64 * 1024;
const RATE = 1000;
const LENGTH = 32 * PIECE;

/** Tasks of 32 pieces each; task n belongs to connection n. All connections are equally fast. */
function scene(idleConnections: readonly number[]) {
  const cuts = new TaskCuts(() => RATE);
  const idle = new IdleConnections();
  for (const connection of idleConnections) idle.add(connection, RATE);
  const begin = (task: number, only?: number): ScheduledTask => {
    const options = { pieceSize: PIECE, smallestCut: PIECE, only };
    const file = new ScheduledFile(task, task, new FileLedger(LENGTH), options);
    const begun = new ScheduledTask(task, task, file, { offset: 0, length: LENGTH });
    file.tasks.add(begun);
    cuts.update(begun);
    return begun;
  };
  return { cuts, idle, begin };
}

test('there is a cut for each idle connection, and none for those that wait for an answer', () => {
  const { cuts, idle, begin } = scene([11, 12]);
  for (const task of [1, 2, 3]) begin(task);
  const half = LENGTH / 2;
  expect(cuts.forIdle(idle)).toEqual([
    { kind: 'shorten', task: 1, length: half },
    { kind: 'shorten', task: 2, length: half },
  ]);
  expect(cuts.forIdle(idle)).toEqual([]);
  idle.add(13, RATE);
  expect(cuts.forIdle(idle)).toEqual([{ kind: 'shorten', task: 3, length: half }]);
});

test('a task is not cut again before it has answered, also where nobody wanted the cut', () => {
  const { cuts, idle, begin } = scene([11, 12]);
  const task = begin(1);
  expect(cuts.cut(task, 0)).toEqual({ kind: 'shorten', task: 1, length: 0 });
  expect(task.isBeingCut).toBe(true);
  expect(cuts.forIdle(idle)).toEqual([]);
  cuts.answered(task);
  expect(task.isBeingCut).toBe(false);
  expect(cuts.forIdle(idle).map((cut) => cut.task)).toEqual([1]);
});

test('a task that has ended without an answer makes room for another cut', () => {
  const { cuts, idle, begin } = scene([11]);
  const [first] = [begin(1), begin(2)];
  expect(cuts.forIdle(idle).map(({ task }) => task)).toEqual([1]);
  first.isTaken = true;
  cuts.answered(first);
  expect(cuts.forIdle(idle).map(({ task }) => task)).toEqual([2]);
});

test('a task of a file that belongs to its connection is not cut', () => {
  const { cuts, idle, begin } = scene([11]);
  begin(1, 1);
  expect(cuts.forIdle(idle)).toEqual([]);
});

test('a task of a file that now belongs to another connection is cut for that one alone, and first', () => {
  const { cuts, idle, begin } = scene([11]);
  begin(1);
  const misplaced = begin(2);
  misplaced.file.only = 12;
  cuts.update(misplaced);
  expect(
    cuts.forIdle(idle).map(({ task }) => task),
    'connection 12 is busy',
  ).toEqual([1]);
  begin(3);
  idle.add(12, RATE);
  expect(cuts.forIdle(idle)).toEqual([{ kind: 'shorten', task: 2, length: LENGTH / 2 }]);
  misplaced.file.only = undefined;
  cuts.answered(misplaced);
  expect(
    cuts.forIdle(idle).map(({ task }) => task),
    'it is like the others again',
  ).toEqual([2]);
});
