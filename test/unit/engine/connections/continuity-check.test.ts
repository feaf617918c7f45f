import { expect, test } from 'vitest';
import { ContinuityCheck } from '../../../../src/engine/connections/continuity-check.ts';
import { ServerContinuity } from '../../../../src/engine/connections/server-continuity.ts';

/** Connections 1 to `count` are open, and 1 is the witness. */
function scene(count: number) {
  const continuity = new ServerContinuity();
  const open = new Set(Array.from({ length: count }, (_, index) => index + 1));
  for (const connection of open) continuity.onOpened(connection);
  const asked: number[] = [];
  const check = new ContinuityCheck(continuity, {
    isOpen: (connection) => open.has(connection),
    drop: (connection) => void open.delete(connection),
    ask: (connection) => void asked.push(connection),
  });
  const lose = (connection: number): boolean => {
    open.delete(connection);
    return continuity.onLost(connection);
  };
  return { continuity, asked, check, lose };
}

/** Lets everything happen that waits for nothing. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a witness proves it by itself', async () => {
  const { check, asked } = scene(2);
  await check.assure(1);
  expect(asked).toEqual([]);
});

test('another is one when a witness has answered', async () => {
  const { check, asked, continuity } = scene(2);
  const assured = check.assure(2);
  expect(asked).toEqual([1]);
  check.onAnswered(1, true);
  await assured;
  expect(continuity.isWitness(2)).toBe(true);
});

test.each([
  ['before the answer', ['lose', 'answer']],
  ['after it', ['answer', 'lose']],
])('it ends where the connection that it is for is lost %s', async (_, happen: string[]) => {
  const { check, asked, lose } = scene(3);
  const assured = check.assure(3);
  for (const one of happen) {
    if (one === 'lose') lose(3);
    else check.onAnswered(1, true);
  }
  await assured;
  expect(asked).toEqual([1]);
});

test('the next witness is asked where one does not answer, and each at most once', async () => {
  const { check, asked, continuity } = scene(3);
  continuity.onAnswered(1);
  continuity.onOpened(4);
  const assured = check.assure(4);
  check.onAnswered(1, false);
  await settle();
  check.onAnswered(2, false);
  await settle();
  check.onAnswered(3, false);
  await expect(assured).rejects.toMatchObject({ code: 'connection-lost' });
  expect(asked).toEqual([1, 2, 3]);
});

test('an answer to what was asked before proves nothing, the next one is shared', async () => {
  const { check, asked, continuity } = scene(3);
  const first = check.assure(2);
  const later = [check.assure(3), check.assure(3)];
  expect(asked).toEqual([1]);
  check.onAnswered(1, true);
  await first;
  await settle();
  expect(asked).toEqual([1, 1]);
  check.onAnswered(1, true);
  await Promise.all(later);
  expect(continuity.witnesses).toEqual([1, 2, 3]);
});
