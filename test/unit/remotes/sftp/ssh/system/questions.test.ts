import { expect, test } from 'vitest';
import { CopyError } from '../../../../../../src/errors.ts';
import { Questions } from '../../../../../../src/remotes/sftp/ssh/system/questions.ts';
import { deferred } from '../../../../../../src/util/deferred.ts';

const REFUSED = expect.objectContaining({ code: 'credential-not-reusable', scope: 'connection' });
const refusal = new CopyError('authentication-failed', 'No.');
const never = new AbortController().signal;
const open = new Promise<never>(() => {});

/** Whether `work` is still waiting. */
async function isWaiting(work: Promise<unknown>): Promise<boolean> {
  let isDone = false;
  void work
    .catch(() => {})
    .then(() => {
      isDone = true;
    });
  for (let i = 0; i < 10; i++) await Promise.resolve();
  return !isDone;
}

function afterFirst(how: 'free' | 'asked' | 'host key only', mayAsk = true, asksForEach = false): Questions {
  const questions = new Questions(mayAsk, asksForEach);
  if (how === 'free') questions.settleFree();
  if (how === 'asked') questions.settleAsked();
  questions.onOpen(open);
  return questions;
}

test('where the first one was let in without a question, so are all others, at once', async () => {
  const questions = afterFirst('free');
  const turns = await Promise.all([questions.turn(never), questions.turn(never)]);
  expect(turns.map(({ mayAsk }) => mayAsk)).toEqual([false, false]);
  expect(questions.mayBeFree).toBe(true);
});

test('where it had to ask, there is only one connection', async () => {
  const questions = afterFirst('asked');
  expect(questions.expectRepeatable.bind(questions)).toThrow(REFUSED);
  await expect(questions.turn(never)).rejects.toEqual(REFUSED);
  expect(questions.mayBeFree).toBe(false);
});

test('where only the host key was asked for, one tries first, and the others do as it did', async () => {
  for (const outcome of ['let in', 'refused', undefined] as const) {
    const questions = afterFirst('host key only');
    const first = await questions.turn(never);
    expect(first.mayAsk).toBe(false);
    const other = questions.turn(never);
    expect(await isWaiting(other)).toBe(true);
    first.end(outcome);
    if (outcome === 'refused') await expect(other).rejects.toEqual(REFUSED);
    else expect((await other).mayAsk).toBe(false);
  }
});

test('when the only connection is lost, one asks again, and the others do not', async () => {
  const questions = new Questions(true, false);
  questions.settleAsked();
  const closed = deferred<void>();
  questions.onOpen(closed.promise);
  closed.resolve();
  await closed.promise;
  const again = await questions.turn(never);
  expect(again.mayAsk).toBe(true);
  const other = questions.turn(never);
  questions.onOpen(open);
  again.end('let in');
  await expect(other).rejects.toEqual(REFUSED);
});

test('where each may ask, they ask one after another, until one is declined', async () => {
  const questions = afterFirst('asked', true, true);
  const second = await questions.turn(never);
  expect(second.mayAsk).toBe(true);
  const third = questions.turn(never);
  expect(await isWaiting(third)).toBe(true);
  second.end('let in');
  // A connection that is lost meanwhile was not declined.
  (await third).end(undefined);
  (await questions.turn(never)).end('refused');
  await expect(questions.turn(never)).rejects.toEqual(REFUSED);
});

test('a connection that is given up while it waits does not keep the others waiting', async () => {
  const questions = afterFirst('asked', true, true);
  const second = await questions.turn(never);
  const gone = new AbortController();
  const third = questions.turn(gone.signal);
  gone.abort();
  await third;
  second.end('let in');
  expect((await questions.turn(never)).mayAsk).toBe(true);
});

test('a key that was touched is not touched again, unless each connection was asked for', () => {
  const once = afterFirst('free');
  once.onTouch();
  expect(once.expectRepeatable.bind(once)).toThrow(REFUSED);
  const each = afterFirst('free', true, true);
  each.onTouch();
  each.expectRepeatable();
});

test.each<[string, Questions, boolean, string]>([
  ['of a server that has let others in: it is full', afterFirst('free'), false, 'connection-refused'],
  ['where a question would have been needed', afterFirst('host key only'), false, 'credential-not-reusable'],
  ['where it was asked in vain, beside an open connection', afterFirst('asked'), true, 'credential-not-reusable'],
  ['where it was asked in vain', new Questions(true, false), true, 'authentication-failed'],
  ['where nobody may be asked', new Questions(false, false), false, 'authentication-failed'],
])('a refusal %s', (_, questions, hasAsked, code) => {
  expect(questions.explain(refusal, hasAsked).code).toBe(code);
});

test('another failure is left alone', () => {
  const lost = new CopyError('connection-lost', 'Gone.');
  expect(afterFirst('free').explain(lost, false)).toBe(lost);
});
