/** The one connection that may write is cut again and again: the next one continues in the same file. */
import { expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { expectArrived } from '../support/expect-arrived.ts';
import { recordFigure } from '../support/figures.ts';
import { proftpdForTest, proxyForTest, sourceForTest, sshdForTest } from '../support/for-one-test.ts';
import { startLiveRun } from '../support/live-run.ts';
import { eventsOf } from '../support/mtput.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';

const MB = 1_000_000;
const size = byTier(6, 40) * MB;
/** Until a run ends: it takes up to five times as long as the line would need for the file. */
const LIMIT_MS = 170_000;

const SERVERS: (readonly [string, () => Promise<TestServer>])[] = [
  ['proftpd', () => proftpdForTest()],
  ['sshd that cannot hash', () => sshdForTest({ forceSftp: true })],
  ['proftpd that cannot hash', () => proftpdForTest('SFTPExtensions -checkFile')],
  ['sshd', () => sshdForTest()],
];

describeWithServers(['sshd', 'proftpd'], 'an upload over one connection that is reset every second', () => {
  it.for(byTier(SERVERS.slice(0, 1), SERVERS))(
    'arrives at %s, and is not begun anew',
    { timeout: LIMIT_MS + 10_000 },
    async ([, start], { task }) => {
      const server = await start();
      const source = await sourceForTest(size);
      const proxy = await proxyForTest(server, { bytesPerSecond: 2 * MB });
      const to = { server, port: proxy.port, path: 'arrived.bin' };
      const run = await startLiveRun([source.path], to, ['-n', '1', '--retry-for', '20s']);
      await run.event('connection', ({ state }) => state === 'open');
      await proxy.resetEvery(1000);
      const result = await run.end(LIMIT_MS);
      await expectArrived(result, server, 'arrived.bin', source);
      const { resets, bytesUp } = await proxy.stats();
      recordFigure(task, 'resets', resets);
      recordFigure(task, 'sent ÷ file', bytesUp / size);
      recordFigure(task, 'seconds', eventsOf(result, 'result')[0]!.elapsedMs / 1000);
      expect(eventsOf(result, 'notice').map(({ code }) => code)).not.toContain('started-over');
      expect(resets).toBeGreaterThan(byTier(2, 10));
    },
  );
});
