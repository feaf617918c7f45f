import { expect, test } from 'vitest';
import { OpenedOnce } from '../../../../src/engine/runner/opened-once.ts';
import { deferred } from '../../../../src/util/deferred.ts';

const never = (): Promise<string> => Promise.reject(new Error('opened again'));

test('is opened once for all who ask, also while it is being opened', async () => {
  const [files, opening] = [new OpenedOnce<string>(), deferred<string>()];
  const first = files.get('a', () => opening.promise);
  const second = files.get('a', never);
  opening.resolve('it');
  expect([await first, await second, await files.get('a', never)]).toEqual(['it', 'it', 'it']);
  await expect(files.get('b', never)).rejects.toThrow('opened again');
});

test('what was set is there', async () => {
  const files = new OpenedOnce<string>();
  files.set('a', 'it');
  expect(files.has('a')).toBe(true);
  expect(await files.get('a', never)).toBe('it');
});

test('what could not be opened is tried again', async () => {
  const files = new OpenedOnce<string>();
  await expect(files.get('a', never)).rejects.toThrow();
  expect(files.has('a')).toBe(false);
  expect(await files.get('a', async () => 'it')).toBe('it');
});

test('what was taken away is opened anew; its failure comes too late to touch that', async () => {
  const [files, opening] = [new OpenedOnce<string>(), deferred<string>()];
  const taken = files.get('a', () => opening.promise);
  expect(files.take('a')).toBe(taken);
  expect(files.take('a')).toBeUndefined();
  expect(await files.get('a', async () => 'another')).toBe('another');
  opening.reject(new Error('no'));
  await expect(taken).rejects.toThrow('no');
  expect(await files.get('a', never)).toBe('another');
});
