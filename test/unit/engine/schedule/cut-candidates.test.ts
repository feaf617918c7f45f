import { expect, test } from 'vitest';
import { CutCandidates, keptLength } from '../../../../src/engine/schedule/cut-candidates.ts';

const PIECE = 64 * 1024;
const RATE = 1000;

function scene(rates: Record<number, number> = {}) {
  let asked = 0;
  const candidates = new CutCandidates((connection) => {
    asked++;
    return rates[connection] ?? RATE;
  });
  const add = (task: number, outstanding: number) => {
    const cuttable = { task, connection: task, length: outstanding, outstanding, smallestCut: PIECE };
    candidates.add(cuttable);
    return cuttable;
  };
  return { candidates, rates, add, asked: () => asked };
}

test('the task that would end last is cut first, the older one of two alike', () => {
  const { candidates, add } = scene({ 3: RATE / 2 });
  add(1, 10 * PIECE);
  add(2, 20 * PIECE);
  add(3, 15 * PIECE);
  add(4, 20 * PIECE);
  const order = [9, 9, 9, 9, 9].map((receiver) => candidates.next(receiver)?.task.task);
  expect(order).toEqual([3, 2, 4, 1, undefined]);
});

test('a cut leaves both connections at least the smallest cut', () => {
  const cuttable = { length: 32 * PIECE, outstanding: 32 * PIECE, smallestCut: 16 * PIECE };
  expect(keptLength(cuttable, RATE, RATE)).toBe(16 * PIECE);
  expect(keptLength(cuttable, 2 * RATE, RATE)).toBeUndefined();
  expect(keptLength(cuttable, RATE, 2 * RATE)).toBe(16 * PIECE);
  expect(keptLength({ ...cuttable, length: 31 * PIECE, outstanding: 31 * PIECE }, RATE, RATE)).toBeUndefined();
});

test('what was acknowledged since a task was added counts', () => {
  const { candidates, add } = scene();
  const first = add(1, 20 * PIECE);
  add(2, 10 * PIECE);
  first.outstanding = 4 * PIECE;
  expect(candidates.next(9)?.task.task).toBe(2);
});

test('a task that is not worth cutting for a connection is tried again for a faster one, or after a refresh', () => {
  const { candidates, rates, add } = scene({ 8: RATE / 10, 9: 20 * RATE });
  add(1, 1.5 * PIECE);
  expect(candidates.next(7)).toBeUndefined();
  expect(candidates.next(8), 'nor for a slower one').toBeUndefined();
  expect(candidates.next(9)).toMatchObject({ length: 0 });
  add(2, 1.5 * PIECE);
  expect(candidates.next(7)).toBeUndefined();
  rates[2] = 1;
  candidates.refresh();
  expect(candidates.next(7)?.task.task).toBe(2);
});

test('tasks that were refused are not looked at again', () => {
  const { candidates, add, asked } = scene();
  for (let task = 1; task <= 100; task++) add(task, PIECE);
  candidates.next(200);
  const before = asked();
  expect(candidates.next(201)).toBeUndefined();
  expect(asked() - before, 'the rate of the idle connection alone').toBe(1);
});

test('a task that is deleted is not cut, also where it was refused before', () => {
  const { candidates, add } = scene({ 9: 20 * RATE });
  const refused = add(1, 1.5 * PIECE);
  expect(candidates.next(7)).toBeUndefined();
  candidates.delete(refused);
  candidates.delete(add(2, 10 * PIECE));
  expect(candidates.next(9)).toBeUndefined();
});
