import { writeFile } from 'node:fs/promises';
import { expect, test, vi } from 'vitest';
import { openSource } from '../../../../src/engine/local/local-source.ts';
import { fillFrom } from '../../../../src/engine/runner/descriptor-fill.ts';
import { DescriptorReads, readsOf } from '../../../../src/engine/runner/descriptor-reads.ts';
import { deferred } from '../../../../src/util/deferred.ts';
import { tempDirForTest } from '../../../support/for-one-test.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test.each(['resolves', 'rejects'] as const)('it is closed after the last read that %s', async (how) => {
  const reads = new DescriptorReads();
  const under = [deferred<void>(), deferred<void>()];
  const results = under.map(({ promise }) => reads.during(() => promise).catch(() => {}));
  const close = vi.fn(async () => {});
  const closed = reads.close(close);
  under[0]!.resolve();
  await settle();
  expect(close).not.toHaveBeenCalled();
  if (how === 'resolves') under[1]!.resolve();
  else under[1]!.reject(new Error('no'));
  await closed;
  expect(close).toHaveBeenCalledTimes(1);
  await Promise.all(results);
});

test('no read begins any more', async () => {
  const reads = new DescriptorReads();
  await reads.close(async () => {});
  const work = vi.fn(async () => {});
  await expect(reads.during(work)).rejects.toMatchObject({ code: 'cancelled' });
  expect(work).not.toHaveBeenCalled();
});

test('a read that hangs is not waited for, and not closed beneath', async () => {
  const reads = new DescriptorReads();
  const hanging = deferred<void>();
  const read = reads.during(() => hanging.promise);
  const close = vi.fn(async () => {});
  await reads.close(close, 1);
  expect(close).not.toHaveBeenCalled();
  hanging.resolve();
  await read;
  await settle();
  expect(close).toHaveBeenCalledTimes(1);
});

test('what read a source never reads the next file of the same descriptor', async () => {
  const dir = await tempDirForTest();
  await Promise.all([writeFile(dir.file('one'), 'one'), writeFile(dir.file('two'), 'two')]);
  const one = await openSource(Buffer.from(dir.file('one')));
  const fill = fillFrom(one.fd);
  await one.close();
  expect(readsOf(one.fd)).toBeUndefined();
  const two = await openSource(Buffer.from(dir.file('two')));
  expect(two.fd, 'the lowest that is free').toBe(one.fd);
  await expect(fill([Buffer.alloc(3)], 0)).rejects.toMatchObject({ code: 'cancelled' });
  const bytes = Buffer.alloc(3);
  await fillFrom(two.fd)([bytes], 0);
  expect(bytes.toString()).toBe('two');
  await two.close();
});
