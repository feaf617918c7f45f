/** Two machines upload to one target, and what the first has sent arrives late: every two facts meet at least once. */
import { expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { LATE_FACTORS, type LateRow, nameOfRow, runChangedSource, runLate, sendsIt } from '../support/late-requests.ts';
import { pairwise } from '../support/pairwise.ts';

const rows = [
  ...pairwise<LateRow>(LATE_FACTORS, sendsIt),
  ...pairwise<LateRow>(LATE_FACTORS, (row) => row.late === 'copy' && sendsIt(row)),
];
const named = new Map(rows.map((row) => [nameOfRow(row), row]));

describeWithServers(['sshd', 'proftpd'], 'a target that two machines upload to, pair by pair', () => {
  it.each([...named])('%s', async (_, row) => {
    expect.hasAssertions();
    await runLate(row);
  });

  it.each([
    { server: 'sshd', hashes: true, arrives: 'while the second sends', oldTarget: false },
    { server: 'sshd', hashes: false, arrives: 'when the second has published', oldTarget: true },
    { server: 'proftpd', hashes: true, arrives: 'when the second has published', oldTarget: false },
    { server: 'proftpd', hashes: false, arrives: 'while the second sends', oldTarget: true },
  ] as const)('its source changes after a late RENAME was sent: %o', async (row) => {
    expect.hasAssertions();
    await runChangedSource(row);
  });
});
