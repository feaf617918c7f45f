import { expect, test } from 'vitest';
import { beforeAbort } from '../../../src/util/before-abort.ts';
import { deferred } from '../../../src/util/deferred.ts';
import { inTime } from '../../../src/util/in-time.ts';

test('what comes in time is passed on, well or not', async () => {
  await expect(inTime(Promise.resolve(3), 60_000)).resolves.toBe(3);
  await expect(inTime(Promise.reject(new Error('no')), 60_000)).rejects.toThrow('no');
});

test('what comes late is undefined, and its failure is nobody’s', async () => {
  const work = deferred<number>();
  await expect(inTime(work.promise, 1)).resolves.toBeUndefined();
  work.reject(new Error('late'));
});

test('what is there before the abort is passed on, well or not', async () => {
  const { signal } = new AbortController();
  await expect(beforeAbort(Promise.resolve(3), signal)).resolves.toBe(3);
  await expect(beforeAbort(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
});

test.each(['before', 'after'])(
  'an abort %s the call makes it undefined, and a later failure nobody’s',
  async (when) => {
    const abort = new AbortController();
    const work = deferred<number>();
    if (when === 'before') abort.abort();
    const waiting = beforeAbort(work.promise, abort.signal);
    abort.abort();
    await expect(waiting).resolves.toBeUndefined();
    work.reject(new Error('late'));
  },
);
