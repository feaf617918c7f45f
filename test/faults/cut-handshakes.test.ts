/** Lines that are cut before a connection is open: a cut line is no refusal, and the file arrives. */
import { expect, it } from 'vitest';
import { type Cut, type CutAt, type CutHow, cuttingProxyForTest } from '../support/cutting-proxy.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { expectArrived } from '../support/expect-arrived.ts';
import { proftpdForTest, sourceForTest, sshdForTest } from '../support/for-one-test.ts';
import { startLiveRun } from '../support/live-run.ts';
import { eventsOf, mtput, mtputJson } from '../support/mtput.ts';
import { freePort } from '../support/ports.ts';
import { byTier, inLongerTiers } from '../support/tier.ts';

const steps: readonly CutAt[] = ['accept', 'identification', 'key exchange', 'authentication'];
const ways: readonly CutHow[] = ['reset', 'close', 'silence'];
const MIB = 1024 * 1024;

describeWithServers(['sshd', 'proftpd'], 'connections that are cut before they are open', () => {
  const SERVERS = { sshd: () => sshdForTest(), proftpd: () => proftpdForTest() };
  interface Row {
    readonly server: keyof typeof SERVERS;
    /** One at a time is let in at first: these cuts come one after the other. */
    readonly cuts: readonly Cut[];
  }
  /** In the quick tier each step and each way once, two of them in one run. */
  const few: readonly Row[] = [
    {
      server: 'sshd',
      cuts: [
        { at: 'accept', how: 'close' },
        { at: 'identification', how: 'reset' },
      ],
    },
    {
      server: 'sshd',
      cuts: [
        { at: 'key exchange', how: 'close' },
        { at: 'authentication', how: 'silence' },
      ],
    },
    { server: 'proftpd', cuts: Array(2).fill({ at: 'authentication', how: 'reset' }) },
  ];
  function rowOf(server: Row['server'], at: CutAt, how: CutHow): Row {
    return { server, cuts: Array(at === 'authentication' ? 2 : 4).fill({ at, how }) };
  }
  const all: readonly Row[] = [
    ...steps.flatMap((at) => ways.map((how) => rowOf('sshd', at, how))),
    ...steps.map((at) => rowOf('proftpd', at, 'reset')),
  ];
  function nameOf({ server, cuts }: Row): string {
    const each = new Set(cuts.map(({ at, how }) => `at ${at} by ${how}`));
    return `${server}: ${cuts.length} cuts, ${[...each].join(', ')}`;
  }

  it.each(byTier(few, all).map((row) => [nameOf(row), row] as const))('all once, %s', async (_, row) => {
    const server = await SERVERS[row.server]();
    const source = await sourceForTest(4 * MIB);
    const proxy = await cuttingProxyForTest(server, (index) => row.cuts[index]);
    const to = { server, port: proxy.port, path: 'arrived.bin' };
    const run = await mtputJson([source.path], to, [
      '-n',
      '4',
      '-s',
      '1M',
      '--connect-timeout',
      '2s',
      '--retry-for',
      '60s',
    ]);
    await expectArrived(run, server, 'arrived.bin', source);
    expect(proxy.cuts).toEqual(row.cuts.map(({ at }) => at));
  });

  it.each(byTier(steps.slice(-1), steps))('later ones, at %s', async (at) => {
    const server = await sshdForTest();
    const source = await sourceForTest(8 * MIB);
    const proxy = await cuttingProxyForTest(server, (index) =>
      index > 0 && index < 6 ? { at, how: 'reset' } : undefined,
    );
    const to = { server, port: proxy.port, path: 'arrived.bin' };
    const run = await mtputJson([source.path], to, ['-n', '4', '-s', '1M', '--limit', '2M']);
    await expectArrived(run, server, 'arrived.bin', source);
    expect(proxy.cuts.length).toBeGreaterThanOrEqual(3);
  });

  // The pauses between them grow to eight seconds.
  inLongerTiers(() => {
    it('always during authentication: it ends after the fifth, whatever the number of connections', async () => {
      const server = await sshdForTest();
      const source = await sourceForTest(8 * MIB);
      const proxy = await cuttingProxyForTest(server, () => ({ at: 'authentication', how: 'reset' }));
      const to = { server, port: proxy.port, path: 'arrived.bin' };
      const run = await mtput([source.path], to, ['-n', '8', '-s', '1M', '--retry-for', '120s']);
      expect(run.code).toBe(5);
      expect(run.stderr).toContain('cut 5 times in a row during authentication');
      expect(proxy.cuts).toEqual(Array(5).fill('authentication'));
    });

    it('for a while, as by a ban: the server closes at once what comes; it is waited for, and told', async () => {
      const server = await sshdForTest();
      const source = await sourceForTest(MIB);
      const began = performance.now();
      // Longer than four refusals and their pauses take.
      const proxy = await cuttingProxyForTest(server, () =>
        performance.now() - began < 9000 ? { at: 'accept', how: 'close' } : undefined,
      );
      const to = { server, port: proxy.port, path: 'arrived.bin' };
      const run = await mtput([source.path], to, ['--retry-for', '60s']);
      expect(run.stderr).toContain('No connection is open; it is tried again for 1 min 0 s.');
      expect(run.code).toBe(0);
      expect(proxy.accepted, 'it is not knocked at often').toBeLessThan(8);
    });
  });

  it('for a while, as by a firewall or a restart: nothing listens at a port whose host key is known', async () => {
    const server = await sshdForTest();
    const source = await sourceForTest(MIB);
    const port = await freePort();
    await server.trustPort(port);
    const run = await startLiveRun([source.path], { server, port, path: 'arrived.bin' }, ['--retry-for', '60s']);
    await run.event('notice', ({ code }) => code === 'no-connection');
    await cuttingProxyForTest(server, () => undefined, port);
    await expectArrived(await run.end(), server, 'arrived.bin', source);
  });

  it('5: for longer than --retry-for', async () => {
    const server = await sshdForTest();
    const source = await sourceForTest(MIB);
    const proxy = await cuttingProxyForTest(server, () => ({ at: 'key exchange', how: 'reset' }));
    const to = { server, port: proxy.port, path: 'arrived.bin' };
    const run = await mtputJson([source.path], to, ['--retry-for', '2s']);
    expect(run.code).toBe(5);
    expect(eventsOf(run, 'result')[0]!.error).toMatchObject({ code: 'no-connection' });
    expect(eventsOf(run, 'result')[0]!.error!.message).toContain('during key exchange');
    expect(proxy.cuts.length).toBeGreaterThan(1);
  });
});
