/** The relay that the tests of late requests rely on. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { expectArrived } from '../support/expect-arrived.ts';
import { proftpdForTest, sourceForTest, sshdForTest } from '../support/for-one-test.ts';
import { machineForTest } from '../support/machines.ts';
import { eventsOf } from '../support/mtput.ts';
import { sha256Of } from '../support/random-file.ts';
import { publishingRename, requests } from '../support/ssh-relay.ts';
import { byTier } from '../support/tier.ts';

const SIZE = 3_000_000;

describeWithServers(['sshd', 'proftpd'], 'the relay in front of a server', () => {
  const SERVERS = [
    ['sshd', 'shell', sshdForTest],
    ['proftpd', 'check-file', proftpdForTest],
  ] as const;
  it.each(SERVERS.slice(0, byTier(1, 2)))(
    '%s: passes an upload through, digests by %s included',
    async (_name, _method, start) => {
      const server = await start();
      const source = await sourceForTest(SIZE);
      const { relay, put } = await machineForTest(server, { name: 'one' });
      const run = await put(source.path, 'arrived.bin', ['-n', '2', '-s', '1M']);
      const result = await run.end();
      await expectArrived(result, server, 'arrived.bin', source);
      expect(eventsOf(result, 'result')[0]!.verified.byDigest).toBe(SIZE);
      expect(relay.clients).toBe(0);
    },
  );

  it('hands a request on after its client was killed, and what was sent before it', async () => {
    const server = await sshdForTest();
    const source = await sourceForTest(SIZE);
    const { relay, put } = await machineForTest(server, { name: 'one' });
    const hold = relay.hold(publishingRename);
    const run = await put(source.path, 'arrived.bin', ['-n', '2', '-s', '1M']);
    await hold.arrived();
    run.kill();
    await run.end();
    expect(await readdir(server.home)).not.toContain('arrived.bin');
    await hold.release();
    expect(await sha256Of(join(server.home, 'arrived.bin'))).toBe(source.sha256);
  });

  it('holds all that a connection sends after what is held, and nothing of the others', async () => {
    const server = await sshdForTest();
    const source = await sourceForTest(SIZE);
    const { relay, put } = await machineForTest(server, { name: 'one' });
    const hold = relay.hold(requests('write'), 5);
    const run = await put(source.path, 'arrived.bin', ['-n', '1', '-s', '1M', '--stall-timeout', '60s']);
    await hold.arrived();
    expect(hold.connections).toBe(1);
    const other = await machineForTest(server, { name: 'two' });
    expect((await (await other.put(source.path, 'other.bin')).end()).code).toBe(0);
    await hold.release();
    expect((await run.end()).code).toBe(0);
    expect(await sha256Of(join(server.home, 'arrived.bin'))).toBe(source.sha256);
  });
});
