/** Files of every kind arrive identical: any two of size, connections, old target, name and server meet at least once. */
import { afterAll, beforeAll, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { pairwise } from '../support/pairwise.ts';
import { byTier } from '../support/tier.ts';
import {
  allConnections,
  allNames,
  allServers,
  allTargets,
  type Cell,
  isPossible,
  smallSizes,
  titleOf,
  UploadMatrix,
} from '../support/upload-matrix.ts';

const cells = pairwise<Cell>(
  {
    size: smallSizes,
    name: allNames,
    connections: allConnections,
    target: allTargets,
    server: allServers,
    namedBy: ['destination', 'source'],
  },
  isPossible,
);

const big: readonly Cell[] = byTier<readonly Cell[]>(
  [],
  [
    { size: '300 MiB', name: 'plain', connections: 10, target: 'longer', server: 'sshd', namedBy: 'destination' },
    { size: '300 MiB', name: 'not UTF-8', connections: 3, target: 'none', server: 'proftpd', namedBy: 'source' },
  ],
);

describeWithServers(['sshd', 'proftpd'], 'what is uploaded arrives identical, pairwise', () => {
  let matrix: UploadMatrix;
  beforeAll(async () => {
    matrix = await UploadMatrix.start();
  });
  afterAll(() => matrix.stop());

  it.each([...cells, ...big].map((cell) => [titleOf(cell), cell] as const))('%s', (_title, cell) => matrix.check(cell));
});
