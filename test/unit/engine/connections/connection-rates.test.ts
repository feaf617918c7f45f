import { expect, test } from 'vitest';
import { ConnectionRates } from '../../../../src/engine/connections/connection-rates.ts';
import { Counters } from '../../../../src/engine/runner/counters.ts';

function run() {
  const counters = new Counters();
  const rates = new ConnectionRates(counters, 0);
  let nowMs = 0;
  /** Milliseconds pass in which bytes are acknowledged; those in flight are as many as before. */
  const move = (forMs: number, bytesPerMs: Record<number, number>): void => {
    for (const end = nowMs + forMs; nowMs < end; ) {
      nowMs += 250;
      for (const [connection, bytes] of Object.entries(bytesPerMs)) {
        counters.addInFlight(Number(connection), bytes * 250);
        counters.addAcknowledged(Number(connection), bytes * 250);
      }
      rates.sample(nowMs);
    }
  };
  return { counters, rates, move, now: () => nowMs };
}

test('nothing is known of a connection that is new, or unknown', () => {
  const { rates } = run();
  rates.add(1, 0);
  expect([rates.bytesPerSecond(1), rates.bytesPerSecond(2)]).toEqual([0, 0]);
  expect(rates.silentForMs(2, 99)).toBe(0);
});

test('the first bytes tell the rate at once', () => {
  const { rates, move } = run();
  rates.add(1, 0);
  move(250, { 1: 100 });
  expect(rates.bytesPerSecond(1)).toBe(100_000);
});

test('follows a change within seconds', () => {
  const { rates, move } = run();
  rates.add(1, 0);
  rates.add(2, 0);
  move(5000, { 1: 100, 2: 10 });
  move(8000, { 1: 10, 2: 100 });
  expect(rates.bytesPerSecond(1)).toBeLessThan(15_000);
  expect(rates.bytesPerSecond(1)).toBeGreaterThan(9_999);
  expect(rates.bytesPerSecond(2)).toBeGreaterThan(90_000);
});

test('what an earlier connection of the same number did does not count', () => {
  const { rates, move, counters, now } = run();
  counters.addAcknowledged(1, 1_000_000);
  rates.add(1, now());
  move(250, { 1: 1 });
  expect(rates.bytesPerSecond(1)).toBe(1000);
  rates.remove(1);
  expect(rates.bytesPerSecond(1)).toBe(0);
});

test('tells for how long nothing has moved that is in flight', () => {
  const { rates, move, now, counters } = run();
  rates.add(1, 0);
  move(1000, { 1: 10 });
  move(3000, {});
  expect(rates.silentForMs(1, now())).toBe(0);
  counters.addInFlight(1, 1000);
  move(3000, {});
  expect(rates.silentForMs(1, now())).toBe(3000);
  move(250, { 1: 1 });
  expect(rates.silentForMs(1, now())).toBe(0);
});

test('a server that was busy is excused', () => {
  const { rates, move, now, counters } = run();
  rates.add(1, 0);
  counters.addInFlight(1, 10_000);
  move(5000, { 1: 10 });
  move(10_000, {});
  rates.excuse(now());
  expect(rates.silentForMs(1, now())).toBe(0);
  expect(rates.bytesPerSecond(1)).toBe(10_000);
  move(500, {});
  expect(rates.silentForMs(1, now())).toBe(500);
});

test('two samples in one moment change nothing', () => {
  const { rates, move, now } = run();
  rates.add(1, 0);
  move(1000, { 1: 10 });
  rates.sample(now());
  expect(rates.bytesPerSecond(1)).toBe(10_000);
});

test('the rate when it last moved does not sink with the silence after it', () => {
  const { rates, move, counters } = run();
  rates.add(1, 0);
  counters.addInFlight(1, 200_000);
  move(5000, { 1: 100 });
  move(10_000, {});
  expect(rates.bytesPerSecond(1)).toBeLessThanOrEqual(20_000);
  expect(rates.movingBytesPerSecond(1)).toBeGreaterThan(90_000);
});

test('acknowledgements that are rarer than samples give the right rate, from the first one on', () => {
  const { rates, move, counters } = run();
  rates.add(1, 0);
  counters.addInFlight(1, 6000);
  for (let second = 0; second < 40; second += 4) {
    move(3750, {});
    move(250, { 1: 8 });
    expect(rates.movingBytesPerSecond(1)).toBeCloseTo(500, 0);
    expect(rates.bytesPerSecond(1)).toBeCloseTo(500, 0);
  }
});

test('a connection that is slower than a tenth of its own rate for two seconds counts as it is now, at once', () => {
  const { rates, move, counters } = run();
  rates.add(1, 0);
  counters.addInFlight(1, 100_000);
  move(10_000, { 1: 100 });
  move(1750, { 1: 5 });
  expect(rates.bytesPerSecond(1)).toBeGreaterThan(20_000);
  move(500, { 1: 5 });
  expect(rates.bytesPerSecond(1)).toBeLessThan(6000);
  move(4000, { 1: 100 });
  expect(rates.bytesPerSecond(1)).toBeGreaterThan(50_000);
});
