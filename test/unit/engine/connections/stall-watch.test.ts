import { expect, test } from 'vitest';
import { ConnectionRates } from '../../../../src/engine/connections/connection-rates.ts';
import { StallWatch } from '../../../../src/engine/connections/stall-watch.ts';
import { Counters } from '../../../../src/engine/runner/counters.ts';
import { Scheduler } from '../../../../src/engine/schedule/scheduler.ts';

const KIB = 1024;

/** Connection 1 has a file to itself, connection 2 stands idle. */
function scene({ busy = false, inFlight = 64 * KIB, only = undefined as number | undefined } = {}) {
  const counters = new Counters();
  const rates = new ConnectionRates(counters, 0);
  const scheduler = new Scheduler(() => 1000);
  scheduler.addFile(1, 64 * KIB, 64 * KIB, { only });
  for (const connection of [1, 2]) {
    rates.add(connection, 0);
    scheduler.addConnection(connection);
  }
  scheduler.orders();
  counters.addInFlight(1, inFlight);
  const watch = new StallWatch({ tasks: scheduler, rates, counters, isBusy: () => busy });
  let nowMs = 0;
  /**
   * Time passes in which `bytes` are acknowledged and as many taken every `everyMs`; when it was given up, if it was.
   */
  const pass = (forMs: number, bytes = 0, everyMs = 250): number | undefined => {
    for (const end = nowMs + forMs; nowMs < end; ) {
      nowMs += 250;
      if (bytes > 0 && nowMs % everyMs === 0) {
        counters.addInFlight(1, bytes);
        counters.addAcknowledged(1, bytes);
      }
      rates.sample(nowMs);
      if (watch.silent(nowMs).length > 0) {
        expect(watch.silent(nowMs)).toEqual([1]);
        return nowMs;
      }
    }
    return undefined;
  };
  return { pass, rates, scheduler, now: () => nowMs };
}

test('a connection that has stopped is given up after three seconds while another is idle', () => {
  const { pass, now } = scene();
  expect(pass(2000, 64 * KIB)).toBeUndefined();
  const stoppedMs = now();
  expect(pass(10_000)! - stoppedMs).toBeLessThanOrEqual(3500);
});

test.each([500, 1000, 3000, 30_000])('a connection is never given up while its bytes move, at %d B/s', (rate) => {
  // Three requests in flight, as long as the flow window makes them for such a rate.
  const request = Math.max(2000, rate / 2);
  const { pass } = scene({ inFlight: 3 * request });
  expect(pass(120_000, request, Math.ceil((request / rate) * 4) * 250)).toBeUndefined();
});

test('a connection on which nothing was ever acknowledged has time for its first requests', () => {
  const { pass } = scene({ inFlight: 16 * KIB });
  expect(pass(60_000)).toBeGreaterThan(9000);
});

test.each([
  ['is busy with something else', { busy: true }],
  ['is the only one that may write the file', { only: 1 }],
])('a connection is not given up that %s', (_, options) => {
  const { pass } = scene(options);
  pass(1000, 64 * KIB);
  expect(pass(60_000)).toBeUndefined();
});

test('while the server brings bytes to its disk nobody is silent', () => {
  const { pass, rates, now } = scene();
  pass(1000, 64 * KIB);
  for (let second = 0; second < 60; second++) {
    expect(pass(1000)).toBeUndefined();
    rates.excuse(now());
  }
});

test('nobody is given up while nobody is idle', () => {
  const { pass, scheduler } = scene();
  scheduler.removeConnection(2);
  pass(1000, 64 * KIB);
  expect(pass(60_000)).toBeUndefined();
});
