import { describe, expect, test } from 'vitest';
import { CopyError } from '../../../../../../src/errors.ts';
import { Questions } from '../../../../../../src/remotes/sftp/ssh/system/questions.ts';
import { deferred } from '../../../../../../src/util/deferred.ts';

const REFUSED = expect.objectContaining({ code: 'credential-not-reusable', scope: 'connection' });
const open = new Promise<never>(() => {});

/** The first connection is open, by `method`. */
async function afterFirst(questions: Questions, method: string): Promise<void> {
  const turn = await questions.turn(true);
  questions.settle(method);
  turn.end(true);
  questions.onOpen(open);
}

test('the first one may ask, and with a key all others are let in without', async () => {
  const questions = new Questions(true, false);
  await afterFirst(questions, 'publickey');
  expect(questions.asksAgain).toBe(false);
  const turns = await Promise.all([questions.turn(false), questions.turn(false)]);
  expect(turns.map(({ mayAsk }) => mayAsk)).toEqual([false, false]);
});

test.each(['password', 'keyboard-interactive'])('after %s, there is only one connection', async (method) => {
  const questions = new Questions(true, false);
  await afterFirst(questions, method);
  expect(() => questions.expectRepeatable()).toThrow(REFUSED);
  await expect(questions.turn(false)).rejects.toEqual(REFUSED);
});

test('when that one is lost, one connection asks again, and the others do not', async () => {
  const questions = new Questions(true, false);
  const turn = await questions.turn(true);
  questions.settle('password');
  turn.end(true);
  const closed = deferred<void>();
  questions.onOpen(closed.promise);
  closed.resolve();
  await closed.promise;
  const again = await questions.turn(false);
  expect(again.mayAsk).toBe(true);
  const other = questions.turn(false);
  questions.onOpen(open);
  again.end(true);
  await expect(other).rejects.toEqual(REFUSED);
});

test('where each may ask, they ask one after another, until one is declined', async () => {
  const questions = new Questions(true, true);
  await afterFirst(questions, 'password');
  questions.expectRepeatable();
  const second = await questions.turn(false);
  let hasBegun = false;
  const third = questions.turn(false).then((turn) => {
    hasBegun = true;
    return turn;
  });
  await Promise.resolve();
  expect(hasBegun).toBe(false);
  second.end(true);
  (await third).end(false);
  await expect(questions.turn(false)).rejects.toEqual(REFUSED);
});

test('a key that was touched is not asked to be touched again, unless each connection was asked for', async () => {
  for (const asksForEach of [false, true]) {
    const questions = new Questions(true, asksForEach);
    expect(questions.onMessage('Confirm user presence for key ED25519-SK SHA256:abc')).toBe(true);
    expect(questions.onMessage('Welcome')).toBe(false);
    await afterFirst(questions, 'publickey');
    if (asksForEach) questions.expectRepeatable();
    else expect(() => questions.expectRepeatable()).toThrow(REFUSED);
  }
});

describe('a refusal', () => {
  const refusal = new CopyError('authentication-failed', 'No.');

  test('of the first connection is what it is', () => {
    expect(new Questions(true, false).explain(refusal, false)).toBe(refusal);
  });

  test('of a later one means that it would have had to ask', async () => {
    const questions = new Questions(true, false);
    await afterFirst(questions, 'publickey');
    expect(questions.explain(refusal, true)).toEqual(REFUSED);
    expect(() => questions.expectRepeatable()).toThrow(REFUSED);
  });

  test('another failure is left alone', () => {
    const lost = new CopyError('connection-lost', 'Gone.');
    expect(new Questions(true, false).explain(lost, true)).toBe(lost);
  });
});

test('where nobody may be asked, nobody is', async () => {
  const questions = new Questions(false, true);
  expect((await questions.turn(true)).mayAsk).toBe(false);
});
