/** Two machines upload to one target, and what the first has sent arrives late: the whole table. */
import { expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { LATE_FACTORS, type LateRow, nameOfRow, runLate, sendsIt } from '../support/late-requests.ts';
import { combinations } from '../support/pairwise.ts';

const rows = combinations<LateRow>(LATE_FACTORS, sendsIt);

describeWithServers(['sshd', 'proftpd'], 'a target that two machines upload to, in every order', () => {
  it.each(rows.map((row) => [nameOfRow(row), row] as const))('%s', async (_, row) => {
    expect.hasAssertions();
    await runLate(row);
  });
});
