import { expect, onTestFinished, test, vi } from 'vitest';
import type { TransferEvent } from '../../../src/engine/events.ts';
import { GuardedObserver } from '../../../src/engine/guarded-observer.ts';
import { put } from '../../../src/transfer.ts';

const EVENT: TransferEvent = { v: 1, atMs: 0, type: 'notice', level: 'info', code: 'x', message: 'x' };
const WHY = new Error('The observer is broken.');

const BROKEN = [
  [
    'throws',
    () => {
      throw WHY;
    },
  ],
  ['rejects', () => Promise.reject(WHY)],
] as const;

test.each(BROKEN)('an observer that %s is reported once and not called again', async (_, observer) => {
  const [called, failed] = [vi.fn(observer), vi.fn()];
  const guarded = new GuardedObserver(called as () => void, failed);
  guarded.observe(EVENT);
  await Promise.resolve();
  guarded.observe(EVENT);
  await Promise.resolve();
  expect(called).toHaveBeenCalledTimes(1);
  expect(failed.mock.calls).toEqual([[WHY]]);
  expect(guarded.failure).toEqual({ error: WHY });
});

test('what throws nothing is failed by nothing, not even undefined', () => {
  const guarded = new GuardedObserver(undefined, () => expect.unreachable());
  guarded.observe(EVENT);
  expect(guarded.failure).toBeUndefined();
});

test.each(BROKEN)('a transfer whose observer %s ends as any other, and tells of it', async (_, observer) => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  onTestFinished(() => warned.mockRestore());
  const nothing = Buffer.from('/nonexistent/1');
  const result = await put(
    { sources: [nothing, nothing], destination: Buffer.from('x'), ssh: { host: '127.0.0.1' } },
    { onEvent: observer as () => void },
  );
  expect(result).toMatchObject({ exitCode: 1, filesFailed: 2, observerError: WHY });
  expect(warned).toHaveBeenCalledTimes(1);
});
