import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { Counters, MAX_CONNECTIONS } from '../../../../src/engine/runner/counters.ts';

test('counts each connection for itself', () => {
  const counters = new Counters();
  counters.addInFlight(1, 1000);
  counters.addInFlight(MAX_CONNECTIONS, 500);
  counters.addAcknowledged(1, 400);
  expect([counters.acknowledged(1), counters.inFlight(1)]).toEqual([400, 600]);
  expect([counters.acknowledged(MAX_CONNECTIONS), counters.inFlight(MAX_CONNECTIONS)]).toEqual([0, 500]);
  counters.addAcknowledged(MAX_CONNECTIONS, 500);
  expect(counters.totalAcknowledged()).toBe(900);
  counters.clearInFlight(1);
  expect([counters.acknowledged(1), counters.inFlight(1)]).toEqual([400, 0]);
});

test('holds more than 32 bits', () => {
  const counters = new Counters();
  counters.addInFlight(1, 2 ** 50);
  counters.addAcknowledged(1, 2 ** 50);
  expect(counters.totalAcknowledged()).toBe(2 ** 50);
});

test('is one thing on both sides of a thread', async () => {
  const counters = new Counters();
  counters.addInFlight(3, 10);
  expect(new Counters(counters.buffer).inFlight(3)).toBe(10);
  const worker = new Worker(
    `const { workerData } = require('node:worker_threads');
     const cells = new BigInt64Array(workerData);
     for (let i = 0; i < cells.length; i++) Atomics.add(cells, i, 1n);`,
    { eval: true, workerData: counters.buffer },
  );
  await new Promise((resolve) => worker.once('exit', resolve));
  expect(counters.inFlight(3)).toBe(11);
});

test('without a limit everything may be taken', () => {
  expect(new Counters().tryTake(2 ** 40)).toBe(true);
});

test('with a limit nothing may be taken before it is allowed, and the last one may overdraw', () => {
  const counters = new Counters();
  counters.limit();
  expect(counters.tryTake(1)).toBe(false);
  counters.allow(100, 1000);
  expect(counters.tryTake(60)).toBe(true);
  expect(counters.tryTake(60)).toBe(true);
  expect(counters.tryTake(1), '20 too much').toBe(false);
  counters.allow(20, 1000);
  expect(counters.tryTake(1), 'just paid back').toBe(false);
  counters.allow(1, 1000);
  expect(counters.tryTake(1)).toBe(true);
});

test('what is not used is saved up to a cap', () => {
  const counters = new Counters();
  counters.limit();
  for (let i = 0; i < 100; i++) counters.allow(50, 120);
  expect(counters.tryTake(120)).toBe(true);
  expect(counters.tryTake(1)).toBe(false);
});

test('what will not be acknowledged is in flight no more', () => {
  const counters = new Counters();
  counters.addInFlight(1, 1000);
  counters.addAcknowledged(1, 300);
  counters.dropInFlight(1, 700);
  expect([counters.acknowledged(1), counters.inFlight(1)]).toEqual([300, 0]);
});
