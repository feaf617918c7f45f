import { expect, test } from 'vitest';
import { ConnectionRates } from '../../../../src/engine/schedule/connection-rates.ts';

test('a connection that is not measured counts as the average of the others, as they were at the last refresh', () => {
  const measured: Record<number, number> = { 1: 100, 2: 300 };
  const rates = new ConnectionRates((connection) => measured[connection] ?? 0);
  expect(rates.of(3), 'not refreshed yet').toBe(0);
  rates.refresh([1, 2, 3]);
  expect([1, 2, 3].map((connection) => rates.of(connection))).toEqual([100, 300, 200]);
  measured[2] = 500;
  expect(
    [2, 3].map((connection) => rates.of(connection)),
    'its own rate is that of now',
  ).toEqual([500, 200]);
  rates.refresh([2, 3]);
  expect(rates.of(3), 'only the connections that are given').toBe(500);
});

test('where none is measured, the rate is 0', () => {
  const rates = new ConnectionRates(() => 0);
  rates.refresh([1, 2]);
  expect(rates.of(1)).toBe(0);
  rates.refresh([]);
  expect(rates.of(1)).toBe(0);
});
