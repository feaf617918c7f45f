/**
 * Files of every kind arrive identical: any two of direction, size, connections, old target, name and server meet at
 * least once.
 */
import { afterAll, beforeAll, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { allDirections } from '../support/directions.ts';
import { pairwise } from '../support/pairwise.ts';
import {
  allConnections,
  allNames,
  allServers,
  allTargets,
  type Cell,
  isPossible,
  smallSizes,
  TransferMatrix,
  titleOf,
} from '../support/transfer-matrix.ts';

const cells = pairwise<Cell>(
  {
    size: smallSizes,
    name: allNames,
    connections: allConnections,
    target: allTargets,
    server: allServers,
    namedBy: ['destination', 'source'],
    direction: allDirections,
  },
  isPossible,
);

describeWithServers(['sshd', 'proftpd'], 'what is copied arrives identical, pairwise', () => {
  let matrix: TransferMatrix;
  beforeAll(async () => {
    matrix = await TransferMatrix.start();
  });
  afterAll(() => matrix.stop());

  it.each(cells.map((cell) => [titleOf(cell), cell] as const))('%s', (_title, cell) => matrix.expectIdentical(cell));
});
