import { expect, test, vi } from 'vitest';
import { SourceWatch } from '../../../../src/engine/local/source-watch.ts';
import { CopyError } from '../../../../src/errors.ts';
import { deferred } from '../../../../src/util/deferred.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('looks after a while, one look at a time', async () => {
  const look = deferred<void>();
  const checkUnchanged = vi.fn(() => look.promise);
  const begunMs = performance.now();
  const watch = new SourceWatch({ checkUnchanged }, () => expect.unreachable(), begunMs);
  watch.lookIfDue(begunMs + 2999);
  expect(checkUnchanged).toHaveBeenCalledTimes(0);
  for (const afterMs of [3000, 6000, 1e12]) watch.lookIfDue(begunMs + afterMs);
  expect(checkUnchanged).toHaveBeenCalledTimes(1);
  look.resolve();
  await settle();
  watch.lookIfDue(performance.now() + 2900);
  expect(checkUnchanged).toHaveBeenCalledTimes(1);
  watch.lookIfDue(performance.now() + 1e6);
  expect(checkUnchanged).toHaveBeenCalledTimes(2);
});

test('tells of a change once, and looks no more', async () => {
  const checkUnchanged = vi.fn(async () => {
    throw new CopyError('source-changed', 'It changed.');
  });
  const changed = vi.fn();
  const watch = new SourceWatch({ checkUnchanged }, changed, 0);
  for (const nowMs of [3000, 1e9, 1e12]) {
    watch.lookIfDue(nowMs);
    await settle();
  }
  expect(changed).toHaveBeenCalledTimes(1);
  expect(checkUnchanged).toHaveBeenCalledTimes(1);
});

test('what cannot be looked at has not changed, and is looked at again', async () => {
  const checkUnchanged = vi.fn(async () => {
    throw new CopyError('source-unreadable', 'The file system is away.');
  });
  const watch = new SourceWatch({ checkUnchanged }, () => expect.unreachable(), 0);
  watch.lookIfDue(3000);
  await settle();
  watch.lookIfDue(1e12);
  await settle();
  expect(checkUnchanged).toHaveBeenCalledTimes(2);
});
