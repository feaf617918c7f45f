/** Lines so slow that answers are long in coming: nobody is given up while bytes move. */
import { expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { expectArrived } from '../support/expect-arrived.ts';
import { proxyForTest, sourceForTest, sshdForTest } from '../support/for-one-test.ts';
import { startLiveRun } from '../support/live-run.ts';
import { eventsOf, type JsonRun, mtputJson } from '../support/mtput.ts';
import { byTier, inLongerTiers } from '../support/tier.ts';

/** The shortest pieces, so that several connections work on a small file. */
const PIECES = ['-s', '64K'];

function statesOf(run: Pick<JsonRun, 'events'>): Set<string> {
  return new Set(run.events.flatMap((event) => (event.type === 'connection' ? [event.state] : [])));
}

describeWithServers(['sshd'], 'an upload over a slow line', () => {
  it.each([['auto', [] as string[]], ...byTier([], [['4', ['--in-flight', '4']] as const])] as const)(
    'loses no connection of four that share it, with %s requests in flight',
    async (_, options) => {
      const server = await sshdForTest();
      const source = await sourceForTest(100_000);
      // Each connection has a quarter of it, and what 4 × 32 KiB would take is more than the stall timeout.
      const [totalBytesPerSecond, stallTimeout] = byTier([20_000, '5s'], [10_000, '10s']);
      const proxy = await proxyForTest(server, { totalBytesPerSecond, delayMs: 20 });
      const to = { server, port: proxy.port, path: 'arrived.bin' };
      const more = ['--stall-timeout', stallTimeout, ...PIECES, ...options];
      const run = await mtputJson([source.path], to, ['-n', '4', ...more]);
      await expectArrived(run, server, 'arrived.bin', source);
      expect(statesOf(run)).toEqual(new Set(['opening', 'open']));
      expect(eventsOf(run, 'result')[0]!.bytesSent).toBe(source.size);
    },
  );

  // It takes twenty seconds to be sure. The unit tests of starvation-watch have a clock of their own.
  inLongerTiers(() => {
    it('uses fewer connections where they have too little each, and says so', async () => {
      const server = await sshdForTest();
      const source = await sourceForTest(2_000_000);
      const proxy = await proxyForTest(server, { bytesPerSecond: 100_000 });
      const run = await startLiveRun([source.path], { server, port: proxy.port, path: 'arrived.bin' }, [
        '-n',
        '6',
        ...PIECES,
      ]);
      await run.event('progress', ({ bytesDone, connections }) => connections === 6 && bytesDone > 100_000);
      await proxy.reshape('all', { bytesPerSecond: 500 });
      const { message } = await run.event('notice', ({ code }) => code === 'fewer-connections');
      expect(message).toMatch(/^\d connections have \d+ B\/s each, which is too little: \d are used\.$/);
      await proxy.reshape('all', { bytesPerSecond: 10_000_000 });
      await expectArrived(await run.end(), server, 'arrived.bin', source);
    });
  });
});
