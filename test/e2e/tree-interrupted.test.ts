/** A tree whose copy is interrupted again and again, and then run to its end: it is as if nothing had happened. */
import { it } from 'vitest';
import { allDirections, type Direction } from '../support/directions.ts';
import { describeOn, type ServerKind } from '../support/each-server.ts';
import { expectRecovers, interruptedTree, momentsOf, type TreeSize } from '../support/interrupted-tree.ts';
import { byTier } from '../support/tier.ts';

const MIB = 1024 ** 2;

/** With the small files, whose sizes differ, 24 MiB and 2 GiB. */
const SIZE: TreeSize = byTier(
  { largeFiles: 3, largeBytes: 6 * MIB, smallFiles: 300 },
  { largeFiles: 3, largeBytes: 667 * MIB + 1, smallFiles: 3000 },
);
const MOMENTS = byTier(3, 10);
/** Progress is told four times a second: the whole is to take longer. */
const SLOWLY = ['-n', '4', '--limit', byTier('8M', '150M')];
const TIMEOUT_MS = byTier(120_000, 900_000);

for (const direction of byTier<readonly Direction[]>(['down'], allDirections)) {
  for (const kind of byTier<readonly ServerKind[]>(['sshd'], ['sshd', 'proftpd'])) {
    describeOn(kind, `a tree ${direction === 'up' ? 'to' : 'from'} a server that is interrupted`, (bed) => {
      it(
        `at ${MOMENTS} moments, and run again`,
        async () => {
          const tree = await interruptedTree(direction, bed.server, SIZE);
          await expectRecovers(tree, bed.server, momentsOf(direction === 'up' ? 2025 : 2026, MOMENTS), SLOWLY);
        },
        TIMEOUT_MS,
      );
    });
  }
}
