/** One run a target: the second says so at once, and the first is none the worse for it. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { expectArrived } from '../support/expect-arrived.ts';
import { proxyForTest, sourceForTest, sshdForTest } from '../support/for-one-test.ts';
import { startLiveRun } from '../support/live-run.ts';
import { eventsOf, mtputJson } from '../support/mtput.ts';
import { byTier } from '../support/tier.ts';

const MB = 1_000_000;

describeWithServers(['sshd'], 'two runs', () => {
  it.each([
    ['on one target', 'x.bin', 'x.bin'],
    ...byTier([], [['one below the other', '.', 'd/x.bin'] as const, ['one above the other', 'd/x.bin', '.'] as const]),
  ] as const)('%s: the second ends with 12 at once', async (_, first, second) => {
    const server = await sshdForTest();
    await mkdir(join(server.home, 'd'));
    const [source, other] = [await sourceForTest(byTier(12, 20) * MB), await sourceForTest(1000)];
    // The first run lasts for half a minute, unless the line becomes faster.
    const proxy = await proxyForTest(server, { bytesPerSecond: 0.1 * MB });
    const running = await startLiveRun([source.path], { server, port: proxy.port, path: first }, ['-n', '4']);
    await running.event('progress', ({ bytesDone }) => bytesDone > 0);
    const refused = await mtputJson([other.path], { server, port: proxy.port, path: second });
    expect(refused.code).toBe(12);
    expect(eventsOf(refused, 'result')[0]).toMatchObject({ error: { code: 'target-locked' }, bytesSent: 0 });
    expect(
      running.events.map(({ type }) => type),
      'the second did not wait for the first',
    ).not.toContain('result');
    await proxy.reshape('all', { bytesPerSecond: 1000 * MB });
    expect((await running.end()).code).toBe(0);
  });

  it('on targets beside each other do not meet', async () => {
    const server = await sshdForTest();
    const source = await sourceForTest(5 * MB);
    const runs = await Promise.all(['a', 'b'].map((path) => mtputJson([source.path], { server, path })));
    expect(runs.map(({ code }) => code)).toEqual([0, 0]);
  });

  it('after kill -9 of the first the second starts at once', async () => {
    const server = await sshdForTest();
    const source = await sourceForTest(10 * MB);
    const proxy = await proxyForTest(server, { bytesPerSecond: 2 * MB });
    const killed = await startLiveRun([source.path], { server, port: proxy.port, path: 'x.bin' }, ['-n', '2']);
    await killed.event('progress', ({ bytesDone }) => bytesDone > MB);
    killed.kill('SIGKILL');
    await killed.end();
    const run = await mtputJson([source.path], { server, port: proxy.port, path: 'x.bin' }, ['-n', '2']);
    await expectArrived(run, server, 'x.bin', source);
  });
});

/** The header says that it is of a format to come. */
async function makeNewer(dir: string): Promise<void> {
  const [name] = (await readdir(dir)).filter((one) => one.endsWith('.journal'));
  const [header] = (await readFile(join(dir, name!), 'utf8')).split('\n');
  const json = JSON.stringify({ ...JSON.parse(header!.slice(17)), format: 99 });
  const checksum = createHash('sha256').update(json).digest('hex').slice(0, 16);
  await writeFile(join(dir, name!), `${checksum} ${json}\n`);
}

describeWithServers(['sshd'], 'a state directory', () => {
  it('that cannot be written is warned of, and the copy succeeds', async () => {
    const server = await sshdForTest();
    // A file in its place: root may write into any directory.
    await writeFile(join(server.dir, 'state'), 'in the way');
    const source = await sourceForTest(byTier(9, 20) * MB);
    const run = await mtputJson([source.path], { server, path: 'x.bin' }, ['-n', '2']);
    await expectArrived(run, server, 'x.bin', source);
    const warnings = eventsOf(run, 'notice').filter(({ level }) => level === 'warning');
    expect(warnings).toEqual([expect.objectContaining({ code: 'journal' })]);
  });

  it('whose journal is of a newer format ends the run with 12, and nothing is touched', async () => {
    const server = await sshdForTest();
    const source = await sourceForTest(20 * MB);
    const proxy = await proxyForTest(server, { bytesPerSecond: MB });
    const to = { server, port: proxy.port, path: 'x.bin' };
    const killed = await startLiveRun([source.path], to, ['-n', '2']);
    await killed.event('progress', ({ bytesDone }) => bytesDone > MB);
    killed.kill('SIGKILL');
    await killed.end();
    await makeNewer(join(server.dir, 'state/mt-copy-tools'));
    const run = await mtputJson([source.path], to, ['-n', '2']);
    expect(run.code).toBe(12);
    expect(eventsOf(run, 'result')[0]).toMatchObject({ error: { code: 'journal-newer' }, bytesSent: 0 });
  });
});
