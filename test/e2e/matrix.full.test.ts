/**
 * Files of every kind arrive identical: uploads in all combinations, save those of huge files with names; downloads,
 * which share most with them, pairwise.
 */
import { afterAll, beforeAll, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { combinations, pairwise } from '../support/pairwise.ts';
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

const everywhere = { connections: allConnections, target: allTargets, server: allServers };
const byDestination = { direction: ['up'], namedBy: ['destination'] } as const;
const uploads = [
  ...combinations<Cell>({ size: smallSizes, name: allNames, ...byDestination, ...everywhere }, isPossible),
  ...combinations<Cell>({
    size: ['one piece + 1'],
    name: allNames,
    ...everywhere,
    connections: [3],
    direction: ['up'],
    namedBy: ['source'],
  }),
  ...combinations<Cell>({ size: ['300 MiB'], name: ['plain'], ...byDestination, ...everywhere }),
  ...combinations<Cell>({
    size: ['5 GiB, sparse'],
    name: ['plain'],
    ...byDestination,
    ...everywhere,
    target: ['none'],
  }),
];

const HUGE = { direction: 'down', size: '5 GiB, sparse', target: 'none', name: 'plain', namedBy: 'source' } as const;
const downloads: readonly Cell[] = [
  ...pairwise<Cell>(
    {
      size: [...smallSizes, '300 MiB'],
      name: allNames,
      ...everywhere,
      namedBy: ['destination', 'source'],
      direction: ['down'],
    },
    isPossible,
  ),
  { ...HUGE, server: 'sshd', connections: 10 },
  { ...HUGE, server: 'proftpd', connections: 3 },
];

describeWithServers(['sshd', 'proftpd'], 'what is copied arrives identical, in all combinations', () => {
  let matrix: TransferMatrix;
  beforeAll(async () => {
    matrix = await TransferMatrix.start();
  });
  afterAll(() => matrix.stop());

  const cells = [...uploads, ...downloads];
  it.each(cells.map((cell) => [titleOf(cell), cell] as const))(
    '%s',
    (_title, cell) => matrix.expectIdentical(cell),
    300_000,
  );
});
