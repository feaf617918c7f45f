/** Keys that are exchanged anew in the middle of everything. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { expectArrived } from '../support/expect-arrived.ts';
import { recordFigure } from '../support/figures.ts';
import { sourceForTest, sshdForTest } from '../support/for-one-test.ts';
import { mtgetJson, mtputJson } from '../support/mtput.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
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

  it.for(byTier([4], [1, 4]))('brings the file back right over %i connections, with digests', async (connections) => {
    const server = await sshdForTest({ config: ['RekeyLimit 8M'], logLevel: 'DEBUG1' });
    const path = join(server.home, 'source.bin');
    const size = byTier(64, 500) * MB;
    await writeRandomFile(path, size);
    const target = join(server.dir, 'back.bin');
    const run = await mtgetJson({ server, paths: ['source.bin'] }, target, ['-n', `${connections}`]);
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
    expect(await sha256Of(target)).toBe(await sha256Of(path));
    const exchanges = (await server.log()).split('SSH2_MSG_NEWKEYS received').length - 1;
    expect(exchanges - connections).toBeGreaterThan(size / (8 * 1024 * 1024) / 2);
    expect(run.events.filter((event) => event.type === 'connection' && event.state === 'lost')).toEqual([]);
  });
});
