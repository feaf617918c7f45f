import { expect, test } from 'vitest';
import { DeliveryRate, type SentRequest } from '../../../../src/remotes/sftp/delivery-rate.ts';

function send(rate: DeliveryRate, length: number, sentAtMs: number): SentRequest {
  const { delivered, deliveredAtMs, deliveredSentAtMs } = rate;
  return { length, sentAtMs, deliveredBefore: delivered, deliveredAtMs, deliveredSentAtMs };
}

function acknowledge(rate: DeliveryRate, sent: SentRequest, nowMs: number): number {
  rate.onAcknowledged(sent, nowMs);
  return rate.sample(sent, nowMs);
}

/** A rate of 100 bytes/ms, measured at 10 ms. */
function measured(): DeliveryRate {
  const rate = new DeliveryRate(0);
  acknowledge(rate, send(rate, 1000, 0), 10);
  return rate;
}

test('a sample is what was acknowledged while a request was in flight, divided by that time', () => {
  const rate = new DeliveryRate(0);
  const [first, second] = [send(rate, 1000, 0), send(rate, 3000, 0)];
  expect(rate.bytesPerMs).toBe(0);
  expect(acknowledge(rate, first, 10)).toBe(100);
  expect(acknowledge(rate, second, 20)).toBe(200);
  expect(rate.bytesPerMs).toBe(200);
  expect(rate.delivered).toBe(4000);
});

test('there is no sample where no time has passed', () => {
  const rate = new DeliveryRate(0);
  expect(acknowledge(rate, send(rate, 1000, 0), 0)).toBe(0);
  expect(rate.bytesPerMs).toBe(0);
});

test('acknowledgements that arrive together give no higher rate', () => {
  const rate = new DeliveryRate(0);
  const first = send(rate, 1000, 0);
  expect(acknowledge(rate, first, 38)).toBeCloseTo(1000 / 38);
  // Sent long after the first one, and acknowledged at almost the same time.
  expect(acknowledge(rate, send(rate, 1000, 39), 40)).toBeCloseTo(1000 / 39);
});

test('the highest rate of two seconds counts', () => {
  const rate = measured();
  for (let nowMs = 10; nowMs < 2000; nowMs += 100) acknowledge(rate, send(rate, 5000, nowMs), nowMs + 100);
  expect(rate.bytesPerMs).toBe(100);
  acknowledge(rate, send(rate, 5000, 2010), 2110);
  expect(rate.bytesPerMs).toBe(50);
});

test('a pause does not make the rate older, and is in no sample', () => {
  const rate = measured();
  rate.onPauseEnded(60_000);
  expect(acknowledge(rate, send(rate, 5000, 60_000), 60_100)).toBe(50);
  expect(rate.bytesPerMs).toBe(100);
});

test('an outage does not make the rate older, and only what was in flight then is affected', () => {
  const rate = measured();
  const sent = send(rate, 5000, 10);
  expect(rate.wasInterrupted(sent)).toBe(false);
  rate.onAcknowledged(sent, 60_000);
  rate.onOutageEnded(59_990, 60_000);
  expect(rate.wasInterrupted(sent)).toBe(true);
  const later = send(rate, 5000, 60_000);
  expect(rate.wasInterrupted(later)).toBe(false);
  acknowledge(rate, later, 60_100);
  expect(rate.bytesPerMs).toBe(100);
});

test('samples of requests that were sent until a given time do not count', () => {
  const rate = measured();
  rate.ignoreSentUntil(500);
  expect(acknowledge(rate, send(rate, 500_000, 500), 600)).toBeGreaterThan(100);
  expect(rate.bytesPerMs).toBe(100);
  acknowledge(rate, send(rate, 20_000, 600), 700);
  expect(rate.bytesPerMs).toBe(200);
});

test('a rate that replaces all others may be lower', () => {
  const rate = measured();
  rate.replace(20, 100);
  expect(rate.bytesPerMs).toBe(20);
  rate.add(10, 200);
  expect(rate.bytesPerMs).toBe(20);
});
