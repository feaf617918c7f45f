import { expect, test } from 'vitest';
import { DeliveryRate } from '../../../../src/remotes/sftp/delivery-rate.ts';
import { FlowMemory } from '../../../../src/remotes/sftp/flow-memory.ts';
import { type Probe, RoundTrip } from '../../../../src/remotes/sftp/round-trip.ts';

/** Twice the round trip of the path × its rate. */
const WINDOW = 20_000;

/** A path of 100 ms and 100 bytes/ms, of which one round trip is measured. */
class Path {
  readonly rate = new DeliveryRate(0);
  readonly roundTrip = new RoundTrip(new FlowMemory(), this.rate, 0);

  constructor() {
    this.rate.add(100, 0);
    this.answer(100, 100);
  }

  /** Acknowledges a request after `roundTripMs`. */
  answer(roundTripMs: number, nowMs: number, bytesPerMs = 100, probe?: Probe): void {
    this.roundTrip.measure({ sentAtMs: nowMs - roundTripMs, probe }, bytesPerMs, 0, WINDOW, nowMs);
  }

  /** Answers every 50 ms, until a probe begins or the time is over. */
  answersUntil(endMs: number, roundTripMs: number, bytesPerMs = 100): void {
    for (let nowMs = endMs - 2000; nowMs <= endMs && this.roundTrip.probe === undefined; nowMs += 50) {
      this.answer(roundTripMs, nowMs, bytesPerMs);
    }
  }

  /** What is sent during the probe when no queue is left takes these round trips. The last one ends the probe. */
  probed(...roundTripsMs: number[]): void {
    const probe = this.roundTrip.probe!;
    roundTripsMs.forEach((roundTripMs, index) => {
      const sentAtMs = index === roundTripsMs.length - 1 ? probe.untilMs + 1 : probe.drainedAtMs + index;
      this.answer(roundTripMs, sentAtMs + roundTripMs, 0, probe);
    });
  }
}

test('nothing is known before the first round trip', () => {
  const { shortestMs, usualMs } = new RoundTrip(new FlowMemory(), new DeliveryRate(0), 0);
  expect({ shortestMs, usualMs }).toEqual({ shortestMs: Number.POSITIVE_INFINITY, usualMs: 0 });
});

test('until then, it can be assumed', () => {
  const roundTrip = new RoundTrip(new FlowMemory(), new DeliveryRate(0), 0);
  roundTrip.onPauseEnded();
  expect(roundTrip.usualMs).toBe(0);
  roundTrip.assume(80);
  expect(roundTrip.shortestMs).toBe(80);
  expect(roundTrip.usualMs).toBe(80);
});

test('the shortest round trip is the lowest mean, not the lowest single one', () => {
  const path = new Path();
  path.answer(20, 200);
  expect(path.roundTrip.usualMs).toBe(90);
  expect(path.roundTrip.shortestMs).toBe(90);
});

test('after a pause there is no queue', () => {
  const path = new Path();
  path.answer(180, 300);
  expect(path.roundTrip.usualMs).toBe(110);
  path.roundTrip.onPauseEnded();
  expect(path.roundTrip.usualMs).toBe(100);
});

test('where round trips are short, no probe is needed, and the shortest one may become longer', () => {
  const path = new Path();
  path.answersUntil(9000, 120);
  expect(path.roundTrip.shortestMs).toBe(100);
  path.answersUntil(11_000, 120);
  expect(path.roundTrip.probe).toBeUndefined();
  expect(path.roundTrip.shortestMs).toBeCloseTo(120, 0);
});

test('every ten seconds, a probe empties the queue, and then measures the path', () => {
  const path = new Path();
  path.answersUntil(9000, 200);
  expect(path.roundTrip.probe).toBeUndefined();
  path.answersUntil(11_000, 200);
  const probe = path.roundTrip.probe!;
  expect(probe.window).toBeLessThan(100 * 100);
  expect(probe.drainedAtMs).toBe(10_200);
  path.answer(300, probe.drainedAtMs + 299, 0, probe);
  path.answer(300, probe.drainedAtMs + 400, 0, undefined);
  expect(path.roundTrip.shortestMs).toBe(100);
  path.probed(110, 130, 1000);
  expect(path.roundTrip.probe).toBeUndefined();
  expect(path.roundTrip.shortestMs).toBe(120);
  expect(path.roundTrip.usualMs).toBe(120);
});

test('where nothing was sent in time, a later round trip counts', () => {
  const path = new Path();
  path.answersUntil(11_000, 200);
  path.probed(110);
  expect(path.roundTrip.shortestMs).toBe(110);
});

test('while the line is filling again after a probe, no rate counts', () => {
  const path = new Path();
  path.answersUntil(11_000, 200);
  const { untilMs } = path.roundTrip.probe!;
  path.probed(100, 100);
  const sent = { length: 1e6, deliveredBefore: 0, deliveredAtMs: untilMs, deliveredSentAtMs: untilMs };
  path.rate.onAcknowledged({ ...sent, sentAtMs: untilMs + 200 }, untilMs + 400);
  path.rate.sample({ ...sent, sentAtMs: untilMs + 200 }, untilMs + 400);
  expect(path.rate.bytesPerMs).toBe(100);
  path.rate.sample({ ...sent, sentAtMs: untilMs + 400 }, untilMs + 600);
  expect(path.rate.bytesPerMs).toBeGreaterThan(100);
});

test('where the round trip had a queue in it that was considered the shortest, a smaller probe follows', () => {
  const path = new Path();
  path.answersUntil(11_000, 200);
  const first = path.roundTrip.probe!;
  path.probed(50, 50);
  expect(path.roundTrip.shortestMs).toBe(50);
  const second = path.roundTrip.probe!;
  expect(second.window).toBeLessThan(first.window);
  path.probed(45, 45);
  expect(path.roundTrip.probe).toBeUndefined();
  expect(path.roundTrip.shortestMs).toBe(45);
});

test.each([
  { what: 'a slower line', roundTripMs: 100, bytesPerMs: 40 },
  { what: 'a longer path', roundTripMs: 400, bytesPerMs: 100 },
])('a probe that does not wait for the ten seconds shows $what', ({ roundTripMs, bytesPerMs }) => {
  const path = new Path();
  path.answersUntil(5000, 400, 40);
  expect(path.roundTrip.probe?.drainedAtMs).toBeLessThan(6000);
  expect(path.rate.bytesPerMs).toBe(100);
  path.probed(roundTripMs, roundTripMs);
  expect(path.rate.bytesPerMs).toBe(bytesPerMs);
  expect(path.roundTrip.shortestMs).toBe(roundTripMs);
});
