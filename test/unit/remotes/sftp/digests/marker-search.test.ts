import { expect, test } from 'vitest';
import { CopyError } from '../../../../../src/errors.ts';
import { MarkerSearch } from '../../../../../src/remotes/sftp/digests/marker-search.ts';

function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

test('only a line that begins with the marker has the greeting', async () => {
  const search = new MarkerSearch('mark ');
  for (const line of [bytes(' mark no'), bytes('mark'), bytes(''), undefined]) search.onLine(line);
  expect(search.isFound).toBe(false);
  search.onLine(bytes('mark \xff yes'));
  expect(search.isFound).toBe(true);
  expect(await search.greeting).toBe('\xff yes');
  search.giveUp(new CopyError('unsupported', 'too late'));
  expect(await search.greeting).toBe('\xff yes');
});

test('the greeting rejects when the search is given up', async () => {
  const search = new MarkerSearch('mark ');
  const reason = new CopyError('unsupported', 'no shell');
  search.giveUp(reason);
  await expect(search.greeting).rejects.toBe(reason);
});

test('of what is printed without a marker, the first 1000 bytes are kept', () => {
  const search = new MarkerSearch('mark ');
  search.onNoise(bytes('\xffwelcome\n'));
  search.onNoise(bytes('x'.repeat(5000)));
  search.onNoise(bytes('y'));
  expect(search.said).toBe(`\xffwelcome\n${'x'.repeat(991)}`);
});

test('more than 1 MiB without a marker is too much', () => {
  const search = new MarkerSearch('mark ');
  search.onNoise(Buffer.alloc(1 << 20));
  expect(search.isTooNoisy).toBe(false);
  search.onNoise(Buffer.alloc(1));
  expect(search.isTooNoisy).toBe(true);
});
