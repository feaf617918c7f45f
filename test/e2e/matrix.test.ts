/**
 * Files of every kind arrive identical: any two of direction, size, connections, old target and server meet at least
 * once. Names take turns in the quick tier, as no code treats a name by its size; names.test.ts has more of them. In the
 * longer tiers each meets everything else.
 */
import { afterAll, beforeAll, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { allDirections } from '../support/directions.ts';
import { type Factors, pairwise } from '../support/pairwise.ts';
import { byTier } from '../support/tier.ts';
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

const factors: Factors<Cell> = {
  size: smallSizes,
  name: allNames,
  connections: allConnections,
  target: allTargets,
  server: allServers,
  namedBy: ['destination', 'source'],
  direction: allDirections,
};

const namesInTurn = (cell: Cell, index: number): Cell => ({ ...cell, name: allNames[index % allNames.length]! });

const cells = byTier(
  pairwise<Cell>({ ...factors, name: allNames.slice(0, 1) }, isPossible).map(namesInTurn),
  pairwise<Cell>(factors, isPossible),
);

describeWithServers(['sshd', 'proftpd'], 'what is copied arrives identical, pairwise', () => {
  let matrix: TransferMatrix;
  beforeAll(async () => {
    matrix = await TransferMatrix.start();
  });
  afterAll(() => matrix.stop());

  it.each(cells.map((cell) => [titleOf(cell), cell] as const))('%s', (_title, cell) => matrix.expectIdentical(cell));
});
