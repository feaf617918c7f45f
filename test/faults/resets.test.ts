/** Connections that are cut, on both servers: the file arrives, and nobody has to do anything. */
import { readdir, stat, truncate } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { expectArrived } from '../support/expect-arrived.ts';
import { recordFigure } from '../support/figures.ts';
import { proftpdForTest, proxyForTest, sourceForTest, sshdForTest } from '../support/for-one-test.ts';
import { startLiveRun } from '../support/live-run.ts';
import { eventsOf, type JsonRun, mtputJson } from '../support/mtput.ts';
import { PARTIAL_NAME, partialOf } from '../support/partials.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

const MB = 1_000_000;
const BOTH: readonly (readonly [string, () => Promise<TestServer>])[] = [
  ['sshd', () => sshdForTest()],
  ['proftpd', () => proftpdForTest()],
];
/** Where fewer bytes show it, a busy machine has time to log in again. */
const RESET_MS = byTier(500, 300);
const CONNECTIONS = byTier(4, 8);
/** Enough pieces for all of them, also in the small files of the quick tier. */
const smallPieces = byTier(['-s', '512K'], []);
const several = ['-n', String(CONNECTIONS), '-s', byTier('512K', '1M')];

function lostIn({ events }: Pick<JsonRun, 'events'>): number {
  return events.filter((event) => event.type === 'connection' && event.state === 'lost').length;
}

describeWithServers(['sshd', 'proftpd'], 'an upload whose connections are cut', () => {
  it.for(byTier(BOTH.slice(0, 1), BOTH))(
    `arrives at %s while one of eight is reset every ${RESET_MS} ms`,
    { timeout: 180_000 },
    async ([, start], { task }) => {
      const server = await start();
      const source = await sourceForTest(byTier(24, 100) * MB);
      const bytesPerSecond = byTier(1, 2) * MB;
      const proxy = await proxyForTest(server, { bytesPerSecond });
      const run = await startLiveRun([source.path], { server, port: proxy.port, path: 'arrived.bin' }, ['-n', '8']);
      await run.event('connection', ({ state }) => state === 'open');
      await proxy.resetEvery(RESET_MS);
      const result = await run.end();
      await expectArrived(result, server, 'arrived.bin', source);
      const { resets } = await proxy.stats();
      expect(resets).toBeGreaterThanOrEqual(byTier(4, 15));
      const seconds = eventsOf(result, 'result')[0]!.elapsedMs / 1000;
      recordFigure(task, 'resets', resets);
      recordFigure(task, `seconds (${source.size / (8 * bytesPerSecond)} without resets)`, seconds);
    },
  );

  it.each(byTier(BOTH.slice(1), BOTH))(
    'arrives at %s though all are reset at once in the middle',
    async (_name, start) => {
      const server = await start();
      const source = await sourceForTest(byTier(12, 100) * MB);
      const resetAllAfter = { up: source.size / 2 };
      const proxy = await proxyForTest(server, { bytesPerSecond: byTier(2, 4) * MB, resetAllAfter });
      const run = await mtputJson([source.path], { server, port: proxy.port, path: 'arrived.bin' }, several);
      await expectArrived(run, server, 'arrived.bin', source);
      expect((await proxy.stats()).resets).toBe(CONNECTIONS);
      expect(lostIn(run)).toBe(CONNECTIONS);
      // Nobody can tell it from a restart of the server, so what it had not synced yet is sent again, once.
      expect(eventsOf(run, 'result')[0]!.bytesSent).toBeLessThan(source.size * 1.6);
    },
  );

  it.each(byTier(BOTH.slice(0, 1), BOTH))(
    'arrives at %s though the sessions are killed in the middle',
    async (_name, start) => {
      const server = await start();
      const source = await sourceForTest(byTier(12, 100) * MB);
      const proxy = await proxyForTest(server, { bytesPerSecond: byTier(2, 4) * MB });
      const run = await startLiveRun([source.path], { server, port: proxy.port, path: 'arrived.bin' }, several);
      await run.event(
        'progress',
        ({ bytesDone, connections }) => connections === CONNECTIONS && bytesDone > source.size / 4,
      );
      expect(await server.killSessions()).toBeGreaterThanOrEqual(CONNECTIONS);
      const result = await run.end();
      await expectArrived(result, server, 'arrived.bin', source);
      expect(lostIn(result)).toBe(CONNECTIONS);
    },
  );

  // The first one stages the file, and has it synced and hashed.
  it.for(byTier([0], [0, 1, 2, 3]))('is done by the others while connection %i stalls', async (index, { task }) => {
    const server = await sshdForTest();
    const source = await sourceForTest(byTier(16, 100) * MB);
    const proxy = await proxyForTest(server, { bytesPerSecond: byTier(1, 2) * MB });
    const to = { server, port: proxy.port, path: 'arrived.bin' };
    const run = await startLiveRun([source.path], to, ['-n', '4', ...smallPieces, '--stall-timeout', '120s']);
    await run.event('progress', ({ bytesDone, connections }) => connections === 4 && bytesDone > source.size / 4);
    await proxy.stall(index);
    // Long before anybody would call it a stall: who has nothing to do does not wait for it.
    const result = await run.end(90_000);
    await expectArrived(result, server, 'arrived.bin', source);
    const seconds = eventsOf(result, 'result')[0]!.elapsedMs / 1000;
    recordFigure(task, 'seconds with a stalled connection', seconds);
    expect(seconds).toBeLessThan(60);
  });

  const resumed: readonly (readonly [string, 'lost' | 'progress'])[] = [
    ['when all were given up', 'lost'],
    ['before anyone gives up', 'progress'],
  ];

  it.each(byTier(resumed.slice(0, 1), resumed))('goes on when all stalled and resume %s', async (_when, until) => {
    const server = await sshdForTest();
    const source = await sourceForTest(byTier(10, 20) * MB);
    const proxy = await proxyForTest(server, { bytesPerSecond: byTier(1, 4) * MB });
    const to = { server, port: proxy.port, path: 'arrived.bin' };
    const patience = ['--stall-timeout', '2s', '--connect-timeout', '2s', '--retry-for', '60s'];
    const run = await startLiveRun([source.path], to, ['-n', '4', ...smallPieces, ...patience]);
    await run.event('progress', ({ bytesDone, connections }) => connections === 4 && bytesDone > source.size / 4);
    await proxy.stall('all');
    if (until === 'progress') await run.event('progress', ({ bytesPerSecond }) => bytesPerSecond < 4 * MB);
    else await waitFor(() => lostIn(run) >= 4, { what: 'all to be given up', timeoutMs: 20_000 });
    await proxy.resume('all');
    const result = await run.end();
    await expectArrived(result, server, 'arrived.bin', source);
    if (until === 'lost') expect(lostIn(result)).toBeGreaterThanOrEqual(4);
  });

  // A server may be silent for a minute while it closes or syncs a file: only then is its connection given up.
  it.each(byTier([], BOTH))(
    'is committed at %s though every connection stalls before',
    async (_name, start) => {
      const server = await start();
      const source = await sourceForTest(6 * MB);
      const proxy = await proxyForTest(server, { bytesPerSecond: 4 * MB, delayMs: 40 });
      const to = { server, port: proxy.port, path: 'arrived.bin' };
      const run = await startLiveRun([source.path], to, ['-n', '3', '-s', '1M', '--stall-timeout', '2s']);
      await run.event('file', ({ state }) => state === 'committing');
      const { connections } = await proxy.stats();
      for (const { index } of connections) await proxy.stall(index);
      await expectArrived(await run.end(250_000), server, 'arrived.bin', source);
    },
    260_000,
  );

  it('ends with exit 5 when the server does not come back within --retry-for', async () => {
    const server = await sshdForTest();
    const source = await sourceForTest(byTier(10, 20) * MB);
    const proxy = await proxyForTest(server, { bytesPerSecond: byTier(1, 2) * MB });
    const to = { server, port: proxy.port, path: 'arrived.bin' };
    const run = await startLiveRun([source.path], to, ['-n', '4', ...smallPieces, '--retry-for', '2s']);
    await run.event('progress', ({ bytesDone }) => bytesDone > source.size / 4);
    const pidsBefore = server.sessionPids();
    expect(pidsBefore.length).toBeGreaterThanOrEqual(4);
    // The proxy goes first, so that no connection ends in an orderly way.
    await proxy.stop();
    const stoppedAt = performance.now();
    const result = await run.end();
    expect(result.code).toBe(5);
    expect(eventsOf(result, 'result')[0]!.error).toMatchObject({ code: 'no-connection', exitCode: 5 });
    const seconds = (performance.now() - stoppedAt) / 1000;
    expect(seconds).toBeGreaterThan(1.5);
    expect(await readdir(server.home)).toEqual([expect.stringMatching(PARTIAL_NAME)]);
  });

  it('leaves no session behind when it is killed', async () => {
    const server = await sshdForTest();
    const source = await sourceForTest(byTier(10, 20) * MB);
    const proxy = await proxyForTest(server, { bytesPerSecond: byTier(1, 2) * MB });
    const run = await startLiveRun([source.path], { server, port: proxy.port, path: 'arrived.bin' }, [
      '-n',
      '4',
      ...smallPieces,
    ]);
    await run.event('progress', ({ bytesDone }) => bytesDone > source.size / 4);
    run.kill();
    expect(await run.end()).toMatchObject({ code: null, signal: 'SIGKILL' });
    await waitFor(() => server.sessionPids().length === 0, { what: 'the sessions to end' });
    const again = await mtputJson([source.path], { server, path: 'arrived.bin' }, ['-n', '4']);
    await expectArrived(again, server, 'arrived.bin', source);
  });

  it('arrives whole though the server crashed in the middle and lost what it had not synced', async () => {
    // So that it has synced nothing.
    const server = await sshdForTest({ sftpOptions: '-P fsync' });
    const source = await sourceForTest(byTier(15, 30) * MB);
    const proxy = await proxyForTest(server, { bytesPerSecond: 2 * MB });
    const run = await startLiveRun([source.path], { server, port: proxy.port, path: 'arrived.bin' }, several);
    await run.event('progress', ({ bytesDone }) => bytesDone > source.size / 3);
    await proxy.stall('all');
    await server.killSessions();
    const partial = await partialOf(server.home, 'arrived.bin');
    const { size } = await stat(partial);
    await truncate(partial, 0);
    await truncate(partial, size);
    await proxy.reset('all');
    await proxy.resume('all');
    const result = await run.end();
    await expectArrived(result, server, 'arrived.bin', source);
    expect(eventsOf(result, 'notice').map(({ code }) => code)).toContain('sent-again');
  });
});
