/** What the flow windows make of lines that change while a file is sent, in virtual time. */
import { expect, test } from 'vitest';
import { SMALL_REQUEST } from '../../../../src/remotes/sftp/flow-window.ts';
import { type Changing, type LineOptions, valueAt } from '../../../support/simulated-line.ts';
import { type SimulatedUpload, simulateUpload } from '../../../support/simulated-upload.ts';
import { byTier } from '../../../support/tier.ts';

const MB = 1e6;
/** Long enough for two regular probes. */
const SECONDS = 25;
/** Of what is sent after a change, as of what is not: see docs/BENCHMARKS.md, "changing". */
const MOST = 1.15;

function step(before: number, after: number, atMs = 2000): Changing {
  return (nowMs) => (nowMs < atMs ? before : after);
}

function ramp(before: number, after: number, fromMs: number, forMs: number): Changing {
  return (nowMs) => before + (after - before) * Math.min(1, Math.max(0, (nowMs - fromMs) / forMs));
}

function wave(middle: number, most: number, periodMs: number): Changing {
  return (nowMs) => middle + most * Math.sin((2 * Math.PI * nowMs) / periodMs);
}

function everyOther(one: number, other: number, forMs: number): Changing {
  return (nowMs) => (Math.floor(nowMs / forMs) % 2 === 0 ? one : other);
}

/** At the end of each period the server answers nothing for a time, then all at once. */
function silent(forMs: number, everyMs: number): (receivedMs: number) => number {
  return (receivedMs) => {
    const end = Math.ceil(receivedMs / everyMs) * everyMs;
    return receivedMs >= end - forMs ? end : receivedMs;
  };
}

interface Case extends LineOptions {
  readonly name: string;
  readonly connections: number;
  /** The longest round trip near the end, and for how long nothing is answered, or was not when the line changed. */
  readonly longestMs: number;
  readonly silentMs?: number;
  readonly seconds?: number;
  /** In the quick tier another row is like this one, and harder. */
  readonly isRepetition?: true;
}

const own = { connections: 4, bytesPerSecond: 2 * MB };
const shared = { connections: 10, sharedBytesPerSecond: 100 * MB, roundTripMs: 20, longestMs: 20, seconds: 12 };

const CASES: readonly Case[] = [
  { name: 'nothing changes', ...own, roundTripMs: 20, longestMs: 20 },
  { name: 'one connection alone', connections: 1, bytesPerSecond: 5 * MB, roundTripMs: 40, longestMs: 40 },
  {
    name: 'a round trip that rises from 20 to 100 ms',
    ...own,
    roundTripMs: step(20, 100),
    longestMs: 100,
    silentMs: 80,
    isRepetition: true,
  },
  {
    name: 'a round trip that rises from 10 to 300 ms',
    ...own,
    roundTripMs: step(10, 300),
    longestMs: 300,
    silentMs: 290,
    seconds: 30,
  },
  {
    name: 'a round trip that becomes little more than twice as long',
    ...own,
    roundTripMs: step(20, 45),
    longestMs: 45,
    silentMs: 25,
  },
  {
    name: 'a round trip that rises just before a probe',
    ...own,
    roundTripMs: step(50, 120, 9500),
    longestMs: 120,
    silentMs: 70,
  },
  {
    name: 'a round trip that rises slowly',
    ...own,
    roundTripMs: ramp(20, 100, 2000, 3000),
    longestMs: 100,
    silentMs: 40,
  },
  {
    name: 'a round trip that falls from 100 to 20 ms',
    ...own,
    roundTripMs: step(100, 20),
    longestMs: 20,
    isRepetition: true,
  },
  { name: 'a round trip that falls from 300 to 10 ms', ...own, roundTripMs: step(300, 10), longestMs: 10 },
  {
    name: 'a round trip that varies by half',
    ...own,
    roundTripMs: wave(40, 20, 5000),
    longestMs: 60,
    isRepetition: true,
  },
  { name: 'a long round trip that varies by half', ...own, roundTripMs: wave(100, 50, 3000), longestMs: 150 },
  {
    name: 'a round trip that changes every second',
    ...own,
    roundTripMs: everyOther(20, 60, 1000),
    longestMs: 60,
    silentMs: 40,
  },
  { name: 'jitter', ...own, roundTripMs: 20, jitterMs: 20, longestMs: 60, silentMs: 20, isRepetition: true },
  { name: 'much jitter', ...own, roundTripMs: 40, jitterMs: 60, longestMs: 160, silentMs: 60 },
  {
    name: 'answers that are a second late every eight',
    ...own,
    roundTripMs: 40,
    answeredAtMs: silent(1000, 8000),
    longestMs: 40,
    silentMs: 1000,
  },
  {
    name: 'answers that are a second late every six, on slow connections',
    connections: 4,
    bytesPerSecond: MB,
    roundTripMs: 40,
    answeredAtMs: silent(1000, 6000),
    longestMs: 40,
    silentMs: 1000,
    seconds: 40,
  },
  {
    name: 'answers every quarter of a second',
    ...own,
    roundTripMs: 20,
    answeredAtMs: silent(250, 250),
    longestMs: 270,
    silentMs: 250,
  },
  {
    name: 'answers that are late half of the time',
    ...own,
    roundTripMs: 30,
    answeredAtMs: silent(100, 200),
    longestMs: 30,
    silentMs: 100,
  },
  { name: 'ten connections that share a queue', ...shared },
  { name: 'ten connections that share a queue, over a short path', ...shared, roundTripMs: 1, longestMs: 12 },
  { name: 'ten connections that share a short queue', ...shared, bufferBytes: MB },
  {
    name: 'ten connections that share a queue, with jitter',
    ...shared,
    jitterMs: 5,
    longestMs: 30,
    isRepetition: true,
  },
  {
    name: 'ten connections that share a queue, and a round trip that rises',
    connections: 10,
    sharedBytesPerSecond: 20 * MB,
    roundTripMs: step(20, 100),
    longestMs: 100,
    silentMs: 80,
  },
  {
    name: 'sixty-four connections that share a queue',
    connections: 64,
    sharedBytesPerSecond: 10 * MB,
    roundTripMs: 30,
    // Three requests on each of so many are half a second of the line.
    longestMs: 200,
    seconds: 15,
  },
  { name: 'a slow line', connections: 1, bytesPerSecond: 32_000, roundTripMs: 50, longestMs: 500 },
  {
    name: 'a slow line that ten connections share',
    connections: 10,
    sharedBytesPerSecond: 32_000,
    roundTripMs: 50,
    longestMs: 1000,
    seconds: 60,
  },
];

function rateAt({ connections, bytesPerSecond, sharedBytesPerSecond }: Case, nowMs: number): number {
  const each = bytesPerSecond === undefined ? Number.POSITIVE_INFINITY : valueAt(bytesPerSecond, nowMs);
  const all = sharedBytesPerSecond === undefined ? Number.POSITIVE_INFINITY : valueAt(sharedBytesPerSecond, nowMs);
  return Math.min(connections * each, all);
}

/** The same line as it was at first, with nothing that disturbs it. */
function unchanged({ bytesPerSecond, sharedBytesPerSecond, roundTripMs }: LineOptions): LineOptions {
  return {
    ...(bytesPerSecond !== undefined && { bytesPerSecond: valueAt(bytesPerSecond, 0) }),
    ...(sharedBytesPerSecond !== undefined && { sharedBytesPerSecond: valueAt(sharedBytesPerSecond, 0) }),
    roundTripMs: valueAt(roundTripMs, 0),
  };
}

function isUnchanged(line: LineOptions): boolean {
  const { bytesPerSecond, sharedBytesPerSecond, roundTripMs, bufferBytes, jitterMs, answeredAtMs } = line;
  const isSteady = [bytesPerSecond, sharedBytesPerSecond, roundTripMs].every((value) => typeof value !== 'function');
  return isSteady && bufferBytes === undefined && jitterMs === undefined && answeredAtMs === undefined;
}

/** Uploads over lines that do not change, by the line: several cases begin with the same one. */
const overStill: Map<string, Promise<SimulatedUpload>> = new Map();

function overUnchanged(line: LineOptions, connections: number, bytes: number): Promise<SimulatedUpload> {
  const options = { line: unchanged(line), connections, bytes };
  const key = JSON.stringify(options);
  const upload = overStill.get(key) ?? simulateUpload(options);
  overStill.set(key, upload);
  return upload;
}

test.each(CASES.filter(({ isRepetition = false }) => byTier(!isRepetition, true)))('$name', async (line) => {
  const { connections, longestMs, silentMs = 0, seconds = SECONDS } = line;
  const bytes = Math.round(rateAt(line, 0) * seconds);
  const still = await overUnchanged(line, connections, bytes);
  const changed = isUnchanged(line) ? still : await simulateUpload({ line, connections, bytes });
  expect(changed.seconds / still.seconds).toBeLessThan(MOST);
  // What cannot be taken back lasts little longer than round trip and silence.
  const bytesPerMs = rateAt(line, changed.seconds * 1000) / 1000;
  const most = bytesPerMs * (2.5 * longestMs + 1.5 * silentMs);
  expect(changed.inFlightAtEnd).toBeLessThan(
    Math.max(most, connections * 3 * Math.min(SMALL_REQUEST, bytesPerMs * 200)),
  );
});

test.each([
  ['of one connection', { bytesPerSecond: (nowMs: number) => (nowMs > 3000 && nowMs < 8000 ? MB : 5 * MB) }, 4, 14],
  [
    'of all together',
    { sharedBytesPerSecond: (nowMs: number) => (nowMs > 3000 && nowMs < 8000 ? 4 * MB : 20 * MB) },
    4,
    14,
  ],
])('a rate that falls to a fifth for five seconds: %s', async (_, rate, connections, limitSeconds) => {
  const line = { ...rate, roundTripMs: 40 };
  const inFlightMs: number[] = [];
  const { seconds } = await simulateUpload({
    line,
    connections,
    bytes: 200 * MB,
    watch: (atMs, windows) => {
      if (atMs < 5000 || atMs > 8000) return;
      inFlightMs.push(windows.reduce((sum, { inFlight }) => sum + inFlight, 0) / ((4 * MB) / 1000));
    },
  });
  expect(seconds / limitSeconds).toBeLessThan(MOST);
  expect(Math.max(...inFlightMs), 'the window has become smaller').toBeLessThan(150);
});

test('the window of OpenSSH is never exceeded, and used completely on long lines', async () => {
  const { seconds, mostInFlight } = await simulateUpload({
    line: { bytesPerSecond: 1000 * MB, roundTripMs: 100 },
    connections: 1,
    bytes: 200 * MB,
  });
  expect(mostInFlight).toBeLessThanOrEqual(2 * 1024 * 1024);
  expect(seconds).toBeLessThan((MOST * 200 * MB) / (2 * 1024 * 1024 * 10));
});

test('a later connection does not mistake the queue of the others for the path', async () => {
  const sizes: number[] = [];
  await simulateUpload({
    line: { sharedBytesPerSecond: 10 * MB, roundTripMs: 20 },
    connections: 5,
    bytes: 60 * MB,
    apartMs: 700,
    watch: (atMs, windows) => {
      if (atMs > 4500) sizes.push(windows.reduce((sum, { inFlight }) => sum + inFlight, 0));
    },
  });
  expect(Math.max(...sizes)).toBeLessThan(Math.max(3 * 10_000 * 20, 5 * 3 * SMALL_REQUEST));
});

test('the simulation is the same for the same seed', async () => {
  const options = { line: { ...own, roundTripMs: 20, jitterMs: 30 }, connections: 4, bytes: 20 * MB };
  const first = await simulateUpload({ ...options, seed: 7 });
  expect(await simulateUpload({ ...options, seed: 7 })).toEqual(first);
  expect(await simulateUpload({ ...options, seed: 8 })).not.toEqual(first);
});
