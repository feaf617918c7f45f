import { expect, test } from 'vitest';
import {
  connectionsBeforeSizes,
  mostConnections,
  wantedConnections,
} from '../../../../src/engine/transfer/wanted-connections.ts';

const MIB = 1024 * 1024;

test.each([
  ['auto', [400 * MIB], 10],
  ['auto', [1000], 1],
  [64, [400 * MIB], 64],
  [64, [1000, 1000], 2],
  [5000, [2 ** 40], 1024],
  [0, [400 * MIB], 1],
  [Number.NaN, [400 * MIB], 1],
  [4, [], 1],
] as const)('%s connections are asked for, and files of %j: %i', (connections, sizes, wanted) => {
  expect(wantedConnections({ connections, pieceSize: 'auto' }, sizes)).toBe(wanted);
});

test.each([
  ['auto', 1],
  [64, 64],
  [5000, 1024],
  [0, 1],
  [Number.NaN, 1],
] as const)('%s connections are asked for, and the sizes are not known: %i', (connections, wanted) => {
  expect(connectionsBeforeSizes({ connections })).toBe(wanted);
});

test.each([
  [1, 1000, 1],
  [50, 1000, 2],
  [51, 1000, 3],
  [5000, 0, 10],
  [100, 4 * MIB, 10],
])('%i small files of %i bytes: %i', (count, size, wanted) => {
  expect(wantedConnections({ connections: 'auto', pieceSize: 'auto' }, new Array<number>(count).fill(size))).toBe(
    wanted,
  );
});

test.each([
  ['auto', 10],
  [64, 64],
  [5000, 1024],
  [0, 1],
] as const)('%s connections are asked for: %i at most', (connections, most) => {
  expect(mostConnections({ connections })).toBe(most);
});
