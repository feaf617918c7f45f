import { expect, test } from 'vitest';
import { FileWindow } from '../../../../src/engine/transfer/file-window.ts';
import { seeded } from '../../../support/seeded.ts';
import { settled, turns } from '../../../support/turns.ts';

interface File {
  readonly size: number;
}

const isSmall = ({ size }: File): boolean => size <= 10;

async function all(files: AsyncIterable<File>): Promise<number[]> {
  const sizes: number[] = [];
  for await (const { size } of files) sizes.push(size);
  return sizes;
}

test('large files are taken in descending order of their size, small ones as they were found', async () => {
  const window = new FileWindow<File>(isSmall);
  const random = seeded(7);
  const sizes = Array.from({ length: 500 }, () => Math.floor(random() * 20));
  for (const size of sizes) await window.add({ size });
  window.end('small');
  window.end('large');
  expect(await all(window.files('large'))).toEqual(sizes.filter((size) => size > 10).sort((a, b) => b - a));
  expect(await all(window.files('small'))).toEqual(sizes.filter((size) => size <= 10));
  expect(window.length).toBe(0);
});

test('no file is lost or taken twice where several take files while others are added', async () => {
  const window = new FileWindow<File>(isSmall, 5);
  const taking = (['small', 'large', 'small', 'large'] as const).map((kind) => all(window.files(kind)));
  const sizes = Array.from({ length: 300 }, (_, n) => (n * 7) % 20);
  for (const size of sizes) await window.add({ size });
  window.end('small');
  window.end('large');
  const taken = (await Promise.all(taking)).flat();
  expect(taken.sort((a, b) => a - b)).toEqual(sizes.sort((a, b) => a - b));
});

test.each(['small', 'large'] as const)('where it is full, a file waits until a %s one is taken', async (kind) => {
  const window = new FileWindow<File>(isSmall, 3);
  for (const size of [1, 2, 20]) await window.add({ size });
  const adding = Promise.all([window.add({ size: 3 }), window.add({ size: 30 })]);
  expect(await settled(adding)).toBe(false);
  expect(window.length).toBe(3);
  const files = window.files(kind);
  await files.next();
  await turns();
  expect(window.length).toBe(3);
  window.end('small');
  window.end('large');
  await adding;
});

test('a file that is not to be copied as a small one needs no room', async () => {
  const window = new FileWindow<File>(isSmall, 1);
  await window.add({ size: 1 });
  window.addLarge({ size: 2 });
  expect((await window.files('large').next()).value).toEqual({ size: 2 });
});

test('who waits for a file is told of the next one, and of the end', async () => {
  const window = new FileWindow<File>(isSmall);
  const files = window.files('small');
  const first = files.next();
  expect(await settled(first)).toBe(false);
  await window.add({ size: 1 });
  expect(await first).toEqual({ value: { size: 1 }, done: false });
  const second = files.next();
  window.end('large');
  expect(await settled(second)).toBe(false);
  window.end('small');
  expect(await second).toEqual({ value: undefined, done: true });
});

test('where the run is over, nobody waits for room, and what is added is not kept', async () => {
  const window = new FileWindow<File>(isSmall, 2);
  for (const size of [1, 20]) await window.add({ size });
  const waiting = window.add({ size: 2 });
  window.end('small');
  window.end('large');
  await waiting;
  for (let n = 0; n < 100; n++) await window.add({ size: 3 });
  expect(window.length).toBe(2);
});

test('many files go through it, and no more are kept than allowed', async () => {
  const window = new FileWindow<File>(isSmall, 100);
  let most = 0;
  let taken = 0;
  const taking = (async () => {
    for await (const _ of window.files('small')) {
      taken++;
      most = Math.max(most, window.length);
    }
  })();
  const file = { size: 1 };
  for (let n = 0; n < 100_000; n++) await window.add(file);
  window.end('small');
  await taking;
  expect(taken).toBe(100_000);
  expect(most).toBeLessThanOrEqual(100);
});
