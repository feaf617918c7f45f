/** Two machines upload to one target, and what the first has sent arrives late: a part of the whole table. */
import { expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { type LateRow, nameOfRow, runChangedSource, runLate } from '../support/late-requests.ts';
import { byTier } from '../support/tier.ts';

const ROWS: readonly LateRow[] = [
  {
    server: 'sshd',
    hashes: true,
    late: 'WRITE',
    earlier: 'nothing',
    first: 'recovers',
    arrives: 'while the second sends',
    oldTarget: true,
    stateDir: 'shared',
    connections: 2,
    second: 'as long',
  },
  {
    server: 'proftpd',
    hashes: false,
    late: 'RENAME',
    earlier: 'a part, with its journal',
    first: 'is killed',
    arrives: 'when the second has published',
    oldTarget: false,
    stateDir: 'own',
    connections: 1,
    second: 'shorter',
  },
  {
    server: 'sshd',
    hashes: true,
    late: 'REMOVE',
    earlier: 'a part of another source',
    first: 'is killed',
    arrives: 'when the second has published',
    oldTarget: false,
    stateDir: 'shared',
    connections: 2,
    second: 'longer',
  },
  {
    server: 'proftpd',
    hashes: true,
    late: 'copy',
    earlier: 'a part, without its journal',
    first: 'recovers',
    arrives: 'when the second has published',
    oldTarget: true,
    stateDir: 'shared',
    connections: 1,
    second: 'as long',
  },
  ...byTier<readonly LateRow[]>(
    [],
    [
      {
        server: 'sshd without copy-data',
        hashes: true,
        late: 'copy',
        earlier: 'a part, without its journal',
        first: 'is killed',
        arrives: 'while the second sends',
        oldTarget: true,
        stateDir: 'own',
        connections: 2,
        second: 'shorter',
      },
    ],
  ),
];

describeWithServers(['sshd', 'proftpd'], 'a target that two machines upload to', () => {
  it.each(ROWS.map((row) => [nameOfRow(row), row] as const))('%s', async (_, row) => {
    expect.hasAssertions();
    await runLate(row);
  });

  it('its source changes after a late RENAME was sent', async () => {
    expect.hasAssertions();
    await runChangedSource({ server: 'sshd', hashes: true, arrives: 'when the second has published', oldTarget: true });
  });
});
