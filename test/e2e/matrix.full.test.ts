/** Files of every kind arrive identical: all combinations, save those of huge files with names. */
import { afterAll, beforeAll, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { combinations } from '../support/pairwise.ts';
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

const everywhere = { connections: allConnections, target: allTargets, server: allServers };
const small = combinations<Cell>({ size: smallSizes, name: allNames, namedBy: ['destination'], ...everywhere });
const namedBySource = combinations<Cell>({
  size: ['one piece + 1'],
  name: allNames,
  connections: [3],
  target: allTargets,
  server: allServers,
  namedBy: ['source'],
});
const large = combinations<Cell>({ size: ['300 MiB'], name: ['plain'], namedBy: ['destination'], ...everywhere });
const huge = combinations<Cell>({
  size: ['5 GiB, sparse'],
  name: ['plain'],
  namedBy: ['destination'],
  ...everywhere,
  target: ['none'],
});

describeWithServers(['sshd', 'proftpd'], 'what is uploaded arrives identical, in all combinations', () => {
  let matrix: UploadMatrix;
  beforeAll(async () => {
    matrix = await UploadMatrix.start();
  });
  afterAll(() => matrix.stop());

  const cells = [...small.filter(isPossible), ...namedBySource, ...large, ...huge];
  it.each(cells.map((cell) => [titleOf(cell), cell] as const))('%s', (_title, cell) => matrix.check(cell), 300_000);
});
