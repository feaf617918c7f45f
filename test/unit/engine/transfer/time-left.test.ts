import { expect, test } from 'vitest';
import { TimeLeft } from '../../../../src/engine/transfer/time-left.ts';

test('the rest takes as long as what was sent, byte for byte', () => {
  const left = new TimeLeft(1000, 0, 5000);
  expect(left.ms(250, 6000)).toBe(3000);
  expect(left.ms(1000, 9000)).toBe(0);
});

test('what an earlier run had sent says nothing of the rate', () => {
  const left = new TimeLeft(1000, 800, 0);
  expect(left.ms(900, 100)).toBe(100);
});

test('before anything is acknowledged the end is not known', () => {
  const left = new TimeLeft(1000, 200, 0);
  expect(left.ms(200, 5000)).toBe(Number.POSITIVE_INFINITY);
  // What had been found was withdrawn.
  expect(left.ms(100, 5000)).toBe(Number.POSITIVE_INFINITY);
});
