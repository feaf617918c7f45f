import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TimedInteraction } from '../../../../../src/remotes/sftp/ssh/timed-interaction.ts';
import { type Deferred, deferred } from '../../../../../src/util/deferred.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

function asked() {
  const answers: Deferred<string | undefined>[] = [];
  const timed = new TimedInteraction({
    secret: (prompt, problem) => {
      const answer = deferred<string | undefined>();
      answers.push(answer);
      return answer.promise.then((text) => `${prompt}${problem}${text}`);
    },
    trustHostKey: async () => true,
  });
  return { answers, timed };
}

test('counts the time of a question, during it and afterwards, and passes on arguments and answers', async () => {
  const { answers, timed } = asked();
  vi.advanceTimersByTime(1000);
  expect(timed.waitedMs).toBe(0);
  const answer = timed.interaction.secret('a', 'b');
  vi.advanceTimersByTime(700);
  expect(timed.waitedMs).toBe(700);
  answers[0]!.resolve('c');
  expect(await answer).toBe('abc');
  vi.advanceTimersByTime(5000);
  expect(timed.waitedMs).toBe(700);
  expect(await timed.interaction.trustHostKey({ host: '', keyType: '', fingerprint: '' })).toBe(true);
  expect(timed.waitedMs).toBe(700);
});

test('overlapping questions count once, and a question that fails ends', async () => {
  const { answers, timed } = asked();
  const first = timed.interaction.secret('a');
  vi.advanceTimersByTime(100);
  const second = timed.interaction.secret('b');
  vi.advanceTimersByTime(100);
  answers[0]!.reject(new Error('x'));
  await expect(first).rejects.toThrow('x');
  vi.advanceTimersByTime(100);
  answers[1]!.resolve('y');
  await second;
  vi.advanceTimersByTime(100);
  expect(timed.waitedMs).toBe(300);
});
