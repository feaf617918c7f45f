import { expect, test } from 'vitest';
import { TaskGroup } from '../../../../src/engine/tree/task-group.ts';
import { type Deferred, deferred } from '../../../../src/util/deferred.ts';
import { settled, turns } from '../../../support/turns.ts';

/** A group with tasks that end when they are told to. */
function scene(limit: number) {
  const group = new TaskGroup(limit);
  const begun: Deferred<void>[] = [];
  const work = (): Promise<void> => {
    const end = deferred<void>();
    begun.push(end);
    return end.promise;
  };
  return { group, begun, work };
}

test('no more tasks than allowed run at a time, and each runs', async () => {
  const { group, begun, work } = scene(2);
  const added = Array.from({ length: 5 }, () => group.add(work));
  await turns();
  for (let ended = 0; ended < 5; ended++) {
    expect(begun.length).toBe(Math.min(ended + 2, 5));
    begun[ended]!.resolve();
    await turns();
  }
  await Promise.all([...added, group.ended()]);
});

test('the end is awaited also while a task waits for its turn', async () => {
  const { group, begun, work } = scene(1);
  void group.add(work);
  void group.add(work);
  const ended = group.ended();
  begun[0]!.resolve();
  expect(await settled(ended)).toBe(false);
  begun[1]!.resolve();
  await ended;
});

test('a task may add others, also where it was the last one', async () => {
  const group = new TaskGroup(1);
  const done: string[] = [];
  await group.add(async () => {
    void group.add(async () => {
      await Promise.resolve();
      done.push('inner');
    });
    done.push('outer');
  });
  await group.ended();
  expect(done).toEqual(['outer', 'inner']);
});

test('the first failure is that of the group, and those that wait still run', async () => {
  const { group, begun, work } = scene(1);
  const added = [group.add(work), group.add(work), group.add(work)];
  begun[0]!.reject(new Error('first'));
  await turns();
  begun[1]!.reject(new Error('second'));
  await turns();
  begun[2]!.resolve();
  await Promise.all(added);
  await expect(group.ended()).rejects.toThrow('first');
});

test('a task is begun at once, or not at all', async () => {
  const { group, begun, work } = scene(1);
  expect([group.tryAdd(work), group.tryAdd(work), begun.length]).toEqual([true, false, 1]);
  begun[0]!.resolve();
  await group.ended();
  expect(group.tryAdd(async () => {})).toBe(true);
});

test('a group without tasks has ended', async () => {
  await expect(new TaskGroup(1).ended()).resolves.toBeUndefined();
});
