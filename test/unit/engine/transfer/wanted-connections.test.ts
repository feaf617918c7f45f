import { expect, test } from 'vitest';
import { connectionsBeforeSizes, wantedConnections } from '../../../../src/engine/transfer/wanted-connections.ts';

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
