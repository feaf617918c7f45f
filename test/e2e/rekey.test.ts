/** Keys that are exchanged anew in the middle of everything. */
import { expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { expectArrived } from '../support/expect-arrived.ts';
import { recordFigure } from '../support/figures.ts';
import { sourceForTest, sshdForTest } from '../support/for-one-test.ts';
import { mtputJson } from '../support/mtput.ts';
import { byTier } from '../support/tier.ts';

const MB = 1_000_000;

describeWithServers(['sshd'], 'a server that wants new keys after every 8 MiB', () => {
  it.for(byTier([4], [1, 4]))('gets the file right over %i connections', async (connections, { task }) => {
    const server = await sshdForTest({ config: ['RekeyLimit 8M'], logLevel: 'DEBUG1' });
    const source = await sourceForTest(byTier(64, 500) * MB);
    const run = await mtputJson([source.path], { server, path: 'arrived.bin' }, ['-n', `${connections}`]);
    await expectArrived(run, server, 'arrived.bin', source);
    const exchanges = (await server.log()).split('SSH2_MSG_NEWKEYS received').length - 1;
    expect(exchanges - connections).toBeGreaterThan(source.size / (8 * 1024 * 1024) / 2);
    expect(run.events.filter((event) => event.type === 'connection' && event.state === 'lost')).toEqual([]);
    recordFigure(task, 'exchanges', exchanges);
  });
});
