import { expect, test } from 'vitest';
import { type OtherConnections, StarvationWatch } from '../../../../src/engine/connections/starvation-watch.ts';

/** A line for some minutes; returns what was changed, and when. `rateOf`: of so many connections together. */
function watchLine(connections: number, rateOf: (working: number) => number, seconds = 200) {
  const watch = new StarvationWatch();
  const changes: { atSeconds: number; change: OtherConnections }[] = [];
  let [working, acknowledged] = [connections, 0];
  for (let tick = 0; tick < seconds * 4; tick++) {
    acknowledged += rateOf(working) / 4;
    const change = watch.sample({ nowMs: tick * 250, acknowledged, working });
    if (change === undefined) continue;
    changes.push({ atSeconds: tick / 4, change });
    working = Math.min(connections, change.most);
  }
  return { changes, working };
}

/** Of a line whose rate depends on the time alone. */
function bySecond(rateAt: (second: number) => number): () => number {
  let calls = 0;
  return () => rateAt(calls++ / 4);
}

test('connections that share too little are halved until each has 1 kB/s', () => {
  const { changes, working } = watchLine(60, () => 16_000);
  expect(changes.map(({ change }) => change.most)).toEqual([30, 15]);
  expect(changes[0]!.atSeconds).toBeLessThanOrEqual(21);
  expect(changes[0]!.change.bytesPerSecondEach).toBeCloseTo(16_000 / 60);
  expect(working).toBe(15);
});

test.each([
  ['ten that share 32 kB/s', 10, () => 32_000],
  ['one that has 300 B/s', 1, () => 300],
])('%s are left alone', (_, connections, rateOf) => {
  expect(watchLine(connections, rateOf).changes).toEqual([]);
});

test('where each connection has its own rate all are used again, and it stays at that', () => {
  const { changes, working } = watchLine(16, (working) => 600 * working);
  expect(changes.map(({ change }) => change.most)).toEqual([8, Number.POSITIVE_INFINITY]);
  expect(working).toBe(16);
});

test('where nothing is acknowledged from the beginning, fewer are used, too', () => {
  expect(watchLine(10, () => 0, 60).changes.map(({ change }) => change.most)).toEqual([5, 2]);
});

test('a line that falls silent is left alone', () => {
  expect(
    watchLine(
      10,
      bySecond((second) => (second < 50 ? 100_000 : 0)),
    ).changes,
  ).toEqual([]);
});

test('a line that is slow for some seconds only changes nothing', () => {
  const rateOf = bySecond((second) => (second > 40 && second < 52 ? 500 : 100_000));
  expect(watchLine(10, rateOf).changes).toEqual([]);
});

test('when the line is faster again, more are used step by step, and at last all', () => {
  const rateOf = bySecond((second) => (second < 100 ? 3000 : 1_000_000));
  const { changes, working } = watchLine(10, rateOf, 400);
  expect(changes.map(({ change }) => [change.reason, change.most])).toEqual([
    ['starved', 5],
    ['starved', 2],
    ['ample', 4],
    ['ample', 8],
    ['ample', Number.POSITIVE_INFINITY],
  ]);
  expect(working).toBe(10);
});

test('an outage is no reason to use fewer', () => {
  const rateOf = bySecond((second) => (second > 40 && second < 66 ? 0 : 200_000));
  expect(watchLine(10, rateOf).changes).toEqual([]);
});
