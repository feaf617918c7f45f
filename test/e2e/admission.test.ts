/** Servers that let in fewer connections than are asked for: the file arrives by those that are in. */
import { expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { expectArrived } from '../support/expect-arrived.ts';
import { proftpdForTest, proxyForTest, sourceForTest, sshdForTest } from '../support/for-one-test.ts';
import { eventsOf, type JsonRun, mtputJson } from '../support/mtput.ts';
import type { RunningProxy } from '../support/proxy.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier, inLongerTiers } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

const MB = 1_000_000;
/** More than a handshake and some questions. */
const SOMETHING = byTier(0.5, 1) * MB;
/** A connection, until enough of them have been let in, and from then on. */
const SLOW = { bytesPerSecond: SOMETHING / 2 };
const FAST = { bytesPerSecond: 10 * MB };

function connectionsUsed(run: JsonRun): number {
  return eventsOf(run, 'result')[0]!.connectionsUsed;
}

/** Connections that carried something of the file. */
async function carriers(proxy: RunningProxy): Promise<number> {
  return (await proxy.stats()).connections.filter(({ bytesUp }) => bytesUp > SOMETHING).length;
}

/**
 * The run over a proxy that is slow until `count` connections carry something: however long the server refuses some,
 * and however busy the machine is, the file does not end before they had their turn.
 */
async function withCarriers(proxy: RunningProxy, count: number, run: Promise<JsonRun>): Promise<JsonRun> {
  let isOver = false;
  const over = run.finally(() => {
    isOver = true;
  });
  const isEnough = async () => isOver || (await carriers(proxy)) >= count;
  await waitFor(isEnough, { what: `${count} connections that carry something`, timeoutMs: 45_000 });
  if (!isOver) await proxy.reshape('all', FAST);
  return over;
}

function refusedIn(run: JsonRun): number {
  return eventsOf(run, 'connection').filter(({ state }) => state === 'refused').length;
}

describeWithServers(['sshd', 'proftpd'], 'a server that admits fewer connections than are asked for', () => {
  const asked = byTier(14, 32);

  it(`OpenSSH with MaxStartups 2:100:4, ${asked} asked`, async () => {
    const server = await sshdForTest({ maxStartups: '2:100:4' });
    const source = await sourceForTest(3 * asked * SOMETHING);
    const proxy = await proxyForTest(server, SLOW);
    const to = { server, port: proxy.port, path: 'arrived.bin' };
    const args = ['-n', `${asked}`, '-s', byTier('512K', '1M')];
    const run = await withCarriers(proxy, asked / 2 + 1, mtputJson([source.path], to, args));
    await expectArrived(run, server, 'arrived.bin', source);
    expect(await server.log()).toMatch(/drop connection #\d+ from/);
    expect(refusedIn(run)).toBeGreaterThan(0);
    // It is the handshakes that are limited, not the connections: in time all of them come in.
    expect(connectionsUsed(run)).toBeGreaterThan(asked / 2);
    expect(await carriers(proxy)).toBeGreaterThan(asked / 2);
  });

  // That they are cut in the middle as well is in the quick tier.
  inLongerTiers(() => {
    it('proftpd with MaxClientsPerUser 3, 8 asked', async () => {
      const server = await proftpdForTest('MaxClientsPerUser 3');
      const source = await sourceForTest(30 * MB);
      const proxy = await proxyForTest(server, SLOW);
      const to = { server, port: proxy.port, path: 'arrived.bin' };
      const run = await withCarriers(proxy, 3, mtputJson([source.path], to, ['-n', '8']));
      await expectArrived(run, server, 'arrived.bin', source);
      expect(connectionsUsed(run)).toBe(3);
      expect(await carriers(proxy)).toBe(3);
    });
  });

  it('proftpd with MaxClientsPerUser 3, 8 asked, all cut in the middle', async () => {
    const server = await proftpdForTest('MaxClientsPerUser 3');
    const source = await sourceForTest(30 * MB);
    const proxy = await proxyForTest(server, { ...SLOW, resetAllAfter: { up: 15 * MB } });
    const to = { server, port: proxy.port, path: 'arrived.bin' };
    const run = await withCarriers(proxy, 3, mtputJson([source.path], to, ['-n', '8']));
    await expectArrived(run, server, 'arrived.bin', source);
    expect(connectionsUsed(run)).toBe(3);
  });

  // It hangs up before a word is said, as the middle box below does.
  inLongerTiers(() => {
    it('proftpd with MaxInstances 4, 8 asked', async () => {
      const server = await proftpdForTest('MaxInstances 4');
      const source = await sourceForTest(30 * MB);
      const proxy = await proxyForTest(server, { bytesPerSecond: 3 * MB });
      const run = await mtputJson([source.path], { server, port: proxy.port, path: 'arrived.bin' }, ['-n', '8']);
      await expectArrived(run, server, 'arrived.bin', source);
      expect(connectionsUsed(run)).toBeGreaterThan(1);
      expect(connectionsUsed(run)).toBeLessThanOrEqual(4);
    });
  });

  const behind: readonly (readonly [string, () => Promise<TestServer>])[] = [
    ['sshd', () => sshdForTest()],
    ['proftpd', () => proftpdForTest()],
  ];

  it.each(byTier(behind.slice(0, 1), behind))(
    'a middle box that lets three through to %s, 8 asked',
    async (_name, start) => {
      const server = await start();
      const source = await sourceForTest(30 * MB);
      const proxy = await proxyForTest(server, { bytesPerSecond: 3 * MB, maxConnections: 3 });
      const run = await mtputJson([source.path], { server, port: proxy.port, path: 'arrived.bin' }, ['-n', '8']);
      await expectArrived(run, server, 'arrived.bin', source);
      expect(connectionsUsed(run)).toBe(3);
      const { refused } = await proxy.stats();
      expect(refused).toBeGreaterThan(0);
      // Knocking again and again at a door that is shut gets one's address banned.
      expect(refused).toBeLessThan(8 * 5);
    },
  );
});
