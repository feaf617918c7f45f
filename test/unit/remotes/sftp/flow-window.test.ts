import { expect, test } from 'vitest';
import { FlowMemory } from '../../../../src/remotes/sftp/flow-memory.ts';
import { type Flight, FlowWindow, SMALL_REQUEST } from '../../../../src/remotes/sftp/flow-window.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const LARGE = 261_120;

/** A line of a fixed rate and round trip, on a clock that the test moves. */
class Line {
  nowMs = 0;
  readonly memory = new FlowMemory();
  readonly window: FlowWindow;
  readonly #inFlight: { readonly flight: Flight; readonly arrivesMs: number }[] = [];
  #freeAtMs = 0;

  constructor(maxRequest: number, requests: number | 'auto' = 'auto') {
    this.window = new FlowWindow({ maxRequest, requests, memory: this.memory, now: () => this.nowMs });
  }

  /** What is in flight arrives, and then nothing is to be sent. */
  pause(forMs: number): void {
    for (const { flight, arrivesMs } of this.#inFlight.splice(0)) {
      this.nowMs = Math.max(this.nowMs, arrivesMs);
      this.window.onAcknowledged(flight);
    }
    this.nowMs += forMs;
  }

  /** As much as the window allows is sent, for some time. */
  run(forMs: number, bytesPerMs: number, roundTripMs: number): void {
    const { window } = this;
    for (const end = this.nowMs + forMs; this.nowMs < end; this.nowMs++) {
      while (this.#inFlight[0] !== undefined && this.#inFlight[0].arrivesMs <= this.nowMs) {
        window.onAcknowledged(this.#inFlight.shift()!.flight);
      }
      while (window.inFlight === 0 || window.inFlight + window.requestLength <= window.size) {
        const length = window.requestLength;
        this.#freeAtMs = Math.max(this.#freeAtMs, this.nowMs) + length / bytesPerMs;
        this.#inFlight.push({ flight: window.onSent(length), arrivesMs: this.#freeAtMs + roundTripMs });
      }
    }
  }
}

test('begins with four requests of 4 KiB', () => {
  const window = new FlowWindow({ maxRequest: LARGE, requests: 'auto', now: () => 0 });
  expect(window.size).toBe(4 * 4 * KIB);
  expect(window.requestLength).toBe(4 * KIB);
});

test('begins with what another connection has measured', async () => {
  const memory = new FlowMemory();
  memory.latest = { bytesPerMs: 2000, roundTripMs: 100 };
  const window = new FlowWindow({ maxRequest: LARGE, requests: 'auto', memory, now: () => 0 });
  // Round trip × rate, for a start: others may share the bottleneck.
  expect(await window.room()).toBeGreaterThanOrEqual(2000 * 100);
});

test('shares its measurements with other connections', () => {
  const line = new Line(LARGE);
  line.run(5000, 2000, 100);
  expect(line.memory.latest?.bytesPerMs).toBeCloseTo(2000, -3);
  expect(line.memory.latest?.roundTripMs).toBeGreaterThanOrEqual(100);
  expect(line.memory.latest?.roundTripMs).toBeLessThan(150);
});

test.each([
  [2000, 100],
  [1000, 200],
  [4000, 40],
])('follows twice the rate × the round trip: %i bytes/ms over %i ms', (bytesPerMs, roundTripMs) => {
  const line = new Line(LARGE);
  line.run(20_000, bytesPerMs, roundTripMs);
  const product = bytesPerMs * roundTripMs;
  expect(line.window.size).toBeGreaterThan(1.6 * product);
  // The round trip that is measured has the time of the request itself in it.
  const measured = bytesPerMs * (roundTripMs + (2 * line.window.requestLength) / bytesPerMs);
  expect(line.window.size).toBeLessThan(2.6 * measured);
});

test('never passes 2 MiB', () => {
  const line = new Line(LARGE);
  line.run(5000, 50_000, 300);
  expect(line.window.size).toBe(2 * MIB);
  expect(line.window.inFlight).toBeLessThanOrEqual(2 * MIB);
});

test('many connections share 48 MiB, as long as they are many', () => {
  const line = new Line(LARGE);
  const others = Array.from({ length: 63 }, () => ({}));
  for (const other of others) line.memory.onMeasured(other, 0);
  line.run(9000, 50_000, 300);
  expect(line.window.size).toBe(768 * KIB);
  line.run(21_000, 50_000, 300);
  expect(line.window.size).toBe(2 * MIB);
});

test('each of very many connections has three full requests', () => {
  const line = new Line(LARGE);
  for (let other = 0; other < 1023; other++) line.memory.onMeasured({}, 0);
  line.run(5000, 50_000, 300);
  expect(line.window.size).toBe(3 * SMALL_REQUEST);
});

test.each([
  { bytesPerMs: 1000, what: 'three full requests', least: 3 * SMALL_REQUEST },
  { bytesPerMs: 32, what: 'half a second', least: 32 * 500 },
  { bytesPerMs: 0.5, what: 'three of the shortest requests', least: 3 * 2 * KIB },
])('over a short path never falls below $what at $bytesPerMs bytes/ms', ({ bytesPerMs, least }) => {
  const line = new Line(LARGE);
  line.run(200_000, bytesPerMs, 1);
  expect(line.window.size).toBeGreaterThan(0.9 * least);
  expect(line.window.size).toBeLessThan(1.2 * least);
});

test('on a slow line requests are short', () => {
  const line = new Line(LARGE);
  line.run(200_000, 0.5, 1);
  expect(line.window.requestLength).toBe(2 * KIB);
});

test('forgets a rate after two seconds: what becomes slower gets a smaller window', () => {
  const line = new Line(LARGE);
  line.run(5000, 5000, 100);
  const before = line.window.size;
  line.run(20_000, 500, 100);
  expect(line.window.size).toBeLessThan(before / 2);
});

test('a request is an eighth of the window, between one SSH packet and what the server takes', () => {
  const line = new Line(LARGE);
  line.run(10_000, 3000, 150);
  const { size, requestLength } = line.window;
  expect(size).toBeGreaterThan(8 * SMALL_REQUEST);
  expect(requestLength).toBe(Math.min(LARGE, Math.floor(size / 8)));
  const fast = new Line(LARGE);
  fast.run(5000, 50_000, 300);
  expect(fast.window.requestLength, 'an eighth of 2 MiB would be more').toBe(LARGE);
  const small = new Line(32_768);
  small.run(5000, 50_000, 300);
  expect(small.window.requestLength).toBe(32_768);
});

test('a server that takes less than an SSH packet gets that', () => {
  const window = new FlowWindow({ maxRequest: 1000, requests: 'auto', now: () => 0 });
  expect([window.size, window.requestLength]).toEqual([16 * KIB, 1000]);
});

test('several requests are sent together where the line stays busy meanwhile, and otherwise one by one', async () => {
  const requestsTogether = async (bytesPerMs: number, roundTripMs: number): Promise<number> => {
    const line = new Line(LARGE);
    line.run(5000, bytesPerMs, roundTripMs);
    const { window } = line;
    const flights = [];
    while (window.inFlight + window.requestLength <= window.size) flights.push(window.onSent(window.requestLength));
    let room: number | undefined;
    void window.room().then((found) => {
      room = found;
    });
    for (let released = 1; ; released++) {
      window.release(window.requestLength);
      await Promise.resolve();
      await Promise.resolve();
      if (room !== undefined) return released;
    }
  };
  expect(await requestsTogether(500_000, 1)).toBeGreaterThanOrEqual(2);
  expect(await requestsTogether(50_000, 300)).toBe(1);
});

test.each([500, 1000, 4000])('no request is longer than a quarter of the stall timeout at %d B/s', (bytesPerSecond) => {
  for (const requests of ['auto', 1, 8] as const) {
    const line = new Line(LARGE, requests);
    expect(line.window.requestLength).toBeLessThanOrEqual(8 * KIB);
    line.run(200_000, bytesPerSecond / 1000, 40);
    expect(line.window.requestLength / bytesPerSecond).toBeLessThanOrEqual(30 / 4);
    expect(line.window.requestLength).toBeGreaterThanOrEqual(512);
  }
});

test('requests that the user fixed stay as many as they are, and become as long as one packet', () => {
  const line = new Line(LARGE, 5);
  expect(line.window.size).toBe(5 * 8 * KIB);
  line.run(5000, 50_000, 300);
  expect(line.window.size).toBe(5 * SMALL_REQUEST);
  expect(line.window.requestLength).toBe(SMALL_REQUEST);
});

test('room waits until something is acknowledged or given up', async () => {
  const window = new FlowWindow({ maxRequest: 1000, requests: 2, now: () => 0 });
  expect(await window.room()).toBe(2000);
  const first = window.onSent(1000);
  window.onSent(1000);
  let room: number | undefined;
  const waiting = window.room().then((found) => {
    room = found;
  });
  await Promise.resolve();
  expect(room).toBeUndefined();
  window.onAcknowledged(first);
  await waiting;
  expect(room).toBe(1000);
  window.release(1000);
  expect(window.inFlight).toBe(0);
});

test('all callers that wait continue when there is room', async () => {
  const window = new FlowWindow({ maxRequest: 1000, requests: 2, now: () => 0 });
  const flights = [window.onSent(1000), window.onSent(1000)];
  const waiting = Promise.all([window.room(), window.room()]);
  for (const flight of flights) window.onAcknowledged(flight);
  expect(await waiting).toEqual([1000, 1000].map(() => expect.any(Number)));
});

test('a pause counts as no rate', () => {
  const line = new Line(LARGE);
  line.run(5000, 2000, 100);
  const before = line.window.size;
  line.pause(60_000);
  line.run(500, 2000, 100);
  expect(line.window.size).toBeGreaterThan(before / 2);
});

test('after a time in which the program itself stood still the window is soon as before', () => {
  const line = new Line(LARGE);
  line.run(5000, 2000, 100);
  const before = line.window.size;
  line.nowMs += 60_000;
  line.run(3000, 2000, 100);
  expect(line.window.size).toBeGreaterThan(before / 2);
  expect(line.window.size).toBeLessThan(before * 2);
});

test('what is sent in turn uses the room once, in the order of the calls', async () => {
  const window = new FlowWindow({ maxRequest: LARGE, requests: 2, now: () => 0 });
  const request = window.requestLength;
  const sent: number[] = [];
  const flights: Flight[] = [];
  const send = (n: number, length: number) =>
    window.inTurn(length, (room) => {
      expect(room).toBeGreaterThanOrEqual(Math.min(length, request));
      sent.push(n);
      flights.push(window.onSent(Math.min(length, request)));
    });
  const all = [send(1, request), send(2, request), send(3, request), send(4, 10), send(5, 10)];
  expect(sent).toEqual([1, 2]);
  window.onAcknowledged(flights[0]!);
  // A shorter one does not overtake a longer one, and follows it as soon as it fits.
  expect(sent).toEqual([1, 2, 3]);
  window.release(flights[1]!.length);
  expect(sent).toEqual([1, 2, 3, 4, 5]);
  await Promise.all(all);
});
