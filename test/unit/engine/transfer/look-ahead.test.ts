import { expect, test } from 'vitest';
import { lookAhead } from '../../../../src/engine/transfer/look-ahead.ts';
import { type Deferred, deferred } from '../../../../src/util/deferred.ts';

function scene() {
  const looks: Deferred<string>[] = [];
  const look = (): Promise<string> => {
    looks.push(deferred());
    return looks.at(-1)!.promise;
  };
  return { looks, look };
}

test('looks at some items at once, and yields what was found in their order', async () => {
  const { looks, look } = scene();
  const found = lookAhead([1, 2, 3, 4], 2, look);
  const first = found.next();
  await Promise.resolve();
  expect(looks).toHaveLength(2);
  looks[1]!.resolve('b');
  looks[0]!.resolve('a');
  expect(await first).toEqual({ value: 'a', done: false });
  expect(looks, 'nobody has asked for more').toHaveLength(2);
  const second = found.next();
  expect(await second).toEqual({ value: 'b', done: false });
  expect(looks).toHaveLength(3);
  looks[2]!.resolve('c');
  const third = found.next();
  await third;
  looks[3]!.resolve('d');
  expect([await third, await found.next(), await found.next()]).toEqual([
    { value: 'c', done: false },
    { value: 'd', done: false },
    { value: undefined, done: true },
  ]);
});

test('a failure comes in its turn, and what was begun is waited for', async () => {
  const { looks, look } = scene();
  const found = lookAhead([1, 2, 3], 3, look);
  const first = found.next();
  await Promise.resolve();
  looks[1]!.reject(new Error('b'));
  looks[0]!.resolve('a');
  expect(await first).toMatchObject({ value: 'a' });
  let isOver = false;
  const second = found.next().finally(() => {
    isOver = true;
  });
  second.catch(() => {});
  for (let turns = 0; turns < 20; turns++) await Promise.resolve();
  expect(isOver).toBe(false);
  looks[2]!.resolve('c');
  await expect(second).rejects.toThrow('b');
});
