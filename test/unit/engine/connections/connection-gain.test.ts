import { expect, test } from 'vitest';
import { ConnectionGain, type NoGain } from '../../../../src/engine/connections/connection-gain.ts';

const MB = 1_000_000;

/** What is told in so many seconds; `rateOf`: of a connection at a time in seconds, undefined: it is not there. */
function told(connections: number, seconds: number, rateOf: (connection: number, at: number) => number | undefined) {
  const gain = new ConnectionGain();
  const acknowledged = new Map<number, number>();
  const all: { readonly at: number; readonly noGain: NoGain }[] = [];
  for (let tick = 1; tick <= seconds * 4; tick++) {
    const at = tick / 4;
    const working = new Map<number, number>();
    for (let connection = 1; connection <= connections; connection++) {
      const rate = rateOf(connection, at);
      if (rate === undefined) continue;
      const bytes = (acknowledged.get(connection) ?? 0) + rate / 4;
      acknowledged.set(connection, bytes);
      working.set(connection, bytes);
    }
    const noGain = gain.sample(at * 1000, working);
    if (noGain !== undefined) all.push({ at, noGain });
  }
  return all;
}

test('the first was alone at first, and all together are no faster', () => {
  const rateOf = (connection: number, at: number) => (at > 3 ? MB / 10 : connection === 1 ? MB : undefined);
  const all = told(10, 60, rateOf);
  expect(all).toHaveLength(1);
  expect(all[0]!.noGain).toEqual({ connections: 10, together: expect.closeTo(MB, -3) });
  expect(all[0]!.at).toBeLessThan(10);
});

test('connections that carry in turn', () => {
  const all = told(3, 60, (connection, at) => (Math.floor(at) % 3 === connection - 1 ? MB : 0));
  expect(all).toHaveLength(1);
  expect(all[0]!.noGain.connections).toBe(3);
});

test.each([
  ['each has its own rate', (connection: number, at: number) => (at > 3 || connection === 1 ? MB : undefined)],
  ['all have a share from the beginning', () => MB / 10],
  ['all move by fits and starts', (_: number, at: number) => (at % 2 === 0 ? 8 * MB : 0)],
  ['acknowledgements are rare', (connection: number, at: number) => ((4 * at) % 10 === connection - 1 ? 8000 : 0)],
  ['there is one connection', (connection: number) => (connection === 1 ? MB : undefined)],
  ['nothing moves', () => 0],
  [
    'the first was alone for a moment',
    (connection: number, at: number) => (at > 0.75 ? MB / 10 : connection === 1 ? MB : undefined),
  ],
] as const)('nothing is told where %s', (_, rateOf) => {
  expect(told(10, 60, rateOf)).toEqual([]);
});
