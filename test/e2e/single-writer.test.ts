/**
 * proftpd, which by its settings lets one connection write a file, or lets many write and keeps what the last one did.
 */
import { chown, readdir, rm } from 'node:fs/promises';
import { afterAll, expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { expectArrived } from '../support/expect-arrived.ts';
import { proftpdForTest, proxyForTest, sourceForTest, tempDirForTest } from '../support/for-one-test.ts';
import { startLiveRun } from '../support/live-run.ts';
import { eventsOf, type JsonRun, mtputJson } from '../support/mtput.ts';
import { type ProftpdServer, startProftpd } from '../support/proftpd.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { byTier } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

const MB = 1_000_000;
const UID = 20_001;
const size = byTier(16, 100) * MB;
const shape = { bytesPerSecond: byTier(16, 25) * MB };

const settings: readonly (readonly [string, readonly string[]])[] = [
  ['HiddenStores on', ['HiddenStores on']],
  ['HiddenStores ".in." ".%P"', ['HiddenStores ".in." ".%P"']],
  ['AllowOverwrite off', ['AllowOverwrite off']],
];

function noticesOf(run: JsonRun, code: string): string[] {
  return eventsOf(run, 'notice')
    .filter((notice) => notice.code === code)
    .map(({ message }) => message);
}

/** Connections that carried more than the probe. */
async function carriers(proxy: RunningProxy): Promise<number> {
  return (await proxy.stats()).connections.filter(({ bytesUp }) => bytesUp > MB).length;
}

describeWithServers(['proftpd'], 'proftpd as a server of one writer', () => {
  const servers = new Map<string, Promise<ProftpdServer>>();
  afterAll(async () => {
    for (const server of servers.values()) await (await server).stop();
  });

  /**
   * One for all tests of the same directives, nobody logged in and its home empty: not for tests that cut a connection,
   * after which it may take a while to notice.
   */
  async function serverWith(directives: readonly string[]): Promise<ProftpdServer> {
    const key = directives.join('\n');
    const starting = servers.get(key) ?? startProftpd({ directives });
    servers.set(key, starting);
    const server = await starting;
    await waitFor(() => server.sessionPids().length === 0, { what: 'the sessions of other tests to end' });
    for (const name of await readdir(server.home)) await rm(`${server.home}/${name}`);
    return server;
  }

  it.each(byTier([settings[0]!, settings[2]!], settings))(
    '%s: one connection writes, and says why',
    async (_name, directives) => {
      const server = await serverWith(directives);
      const source = await sourceForTest(size);
      const proxy = await proxyForTest(server, shape);
      const run = await mtputJson([source.path], { server, port: proxy.port, path: 'one.bin' }, ['-n', '4']);
      await expectArrived(run, server, 'one.bin', source);
      expect(noticesOf(run, 'single-writer')).toEqual([
        expect.stringMatching(/^One connection writes each file: \w.+\.$/),
      ]);
      expect(await carriers(proxy)).toBe(1);
    },
  );

  it.each(byTier(settings.slice(0, 1), settings))('%s: replaces an older file', async (_name, directives) => {
    const server = await serverWith(directives);
    const source = await sourceForTest(size);
    for (const oldSize of byTier([size + MB], [size + MB, size / 2])) {
      await writeRandomFile(`${server.home}/one.bin`, oldSize);
      await chown(`${server.home}/one.bin`, UID, UID);
      const run = await mtputJson([source.path], { server, path: 'one.bin' }, ['-n', '4']);
      await expectArrived(run, server, 'one.bin', source);
      expect(noticesOf(run, 'single-writer')).toHaveLength(1);
    }
  });

  it.each(byTier(settings.slice(0, 1), settings.slice(0, 2)))(
    '%s: what is shown of the old file until the end is not taken for what was written over it',
    async (_name, directives) => {
      const server = await serverWith(directives);
      const source = await sourceForTest(size);
      for (const oldSize of byTier([size], [size, size + MB, size / 2, 4])) {
        await writeRandomFile(`${server.home}/one.bin`, oldSize);
        await chown(`${server.home}/one.bin`, UID, UID);
        const run = await mtputJson([source.path], { server, path: 'one.bin' }, ['-n', '2', '--inplace', '--force']);
        await expectArrived(run, server, 'one.bin', source);
        expect(noticesOf(run, 'rewritten')).toEqual([]);
        expect(noticesOf(run, 'digests').join()).toMatch(/does not show .* before it is closed/);
        expect(eventsOf(run, 'result')[0]!.verified).toMatchObject({ byDigest: 0, bySize: size });
      }
    },
  );

  it.each(byTier(['User STOR 3'], ['User STOR 2', 'User STOR 3', 'Host STOR 2', 'Host STOR 3']))(
    'MaxTransfersPer%s: as many connections write as it admits',
    async (limit) => {
      const server = await serverWith([`MaxTransfersPer${limit}`]);
      const source = await sourceForTest(size);
      const proxy = await proxyForTest(server, shape);
      const run = await mtputJson([source.path], { server, port: proxy.port, path: 'one.bin' }, []);
      await expectArrived(run, server, 'one.bin', source);
      // Some versions count connections, others transfers.
      const told = [...noticesOf(run, 'fewer-writers'), ...noticesOf(run, 'single-writer')].join();
      if (limit.startsWith('User')) expect(told).toMatch(/Permission denied/);
      if ((await carriers(proxy)) < 2) expect(told).toMatch(/\b(1|One) connection/);
    },
  );

  it('MaxTransfersPerUser STOR 3: more files than it admits', async () => {
    const server = await serverWith(['MaxTransfersPerUser STOR 3']);
    const dir = await tempDirForTest();
    const names = ['a.bin', 'b.bin', 'c.bin', 'd.bin'];
    for (const name of names) await writeRandomFile(dir.file(name), MB);
    const sources = names.map((name) => dir.file(name));
    const run = await mtputJson(sources, { server, path: '' }, ['-n', '4', '-s', '64K']);
    expect(run).toMatchObject({ code: 0 });
    for (const name of names) expect(await sha256Of(`${server.home}/${name}`)).toBe(await sha256Of(dir.file(name)));
  });

  it('HiddenStores on: what cannot be read back is said, and what to do', async () => {
    const server = await serverWith(['HiddenStores on']);
    const source = await sourceForTest(MB);
    const run = await mtputJson([source.path], { server, path: 'one.bin' }, ['--verify', 'read-back']);
    expect(run.code).toBe(8);
    expect(run.stderr).toMatch(/does not show what was written .*\nUse --verify auto/);
  });

  it.each(byTier(settings.slice(0, 1), settings))(
    '%s: begins anew when its connection is cut',
    async (_name, directives) => {
      const server = await proftpdForTest(...directives);
      const source = await sourceForTest(size);
      const proxy = await proxyForTest(server, { ...shape, resetAllAfter: { up: size / 2 } });
      const run = await mtputJson([source.path], { server, port: proxy.port, path: 'one.bin' }, ['-n', '4']);
      await expectArrived(run, server, 'one.bin', source);
      expect(noticesOf(run, 'single-writer')).toHaveLength(1);
      expect(noticesOf(run, 'started-over')).toHaveLength(1);
    },
  );

  // In the quick tier its connection is cut instead.
  it.each(byTier([], settings))('%s: begins anew when its session is killed', async (_name, directives) => {
    const server = await proftpdForTest(...directives);
    const source = await sourceForTest(size);
    const proxy = await proxyForTest(server, shape);
    const run = await startLiveRun([source.path], { server, port: proxy.port, path: 'one.bin' }, ['-n', '4']);
    await run.event('progress', ({ bytesDone, connections }) => connections === 4 && bytesDone > size / 4);
    await server.killSessions();
    const result = await run.end();
    // What proftpd hid and did not come to rename is none of ours.
    for (const name of await readdir(server.home)) if (name.startsWith('.in.')) await rm(`${server.home}/${name}`);
    await expectArrived(result, server, 'one.bin', source);
    expect(noticesOf(result, 'started-over')).toHaveLength(1);
  });

  it.each(byTier(settings.slice(0, 1), settings))('%s: more than one file at a time', async (_name, directives) => {
    const server = await serverWith(directives);
    const dir = await tempDirForTest();
    const names = ['a.bin', 'b.bin', 'c.bin', 'd.bin', 'e.bin', 'f.bin'];
    for (const name of names) await writeRandomFile(dir.file(name), 3 * MB);
    const sources = names.map((name) => dir.file(name));
    const run = await mtputJson(sources, { server, path: '' }, ['-n', '3', '-s', '64K']);
    expect(run).toMatchObject({ code: 0 });
    expect((await readdir(server.home)).sort()).toEqual(names);
    for (const name of names) expect(await sha256Of(`${server.home}/${name}`)).toBe(await sha256Of(dir.file(name)));
    expect(noticesOf(run, 'single-writer')).toHaveLength(1);
  });

  it('by its defaults lets many write', async () => {
    const server = await proftpdForTest();
    const source = await sourceForTest(size);
    // It takes so long that the last connection is in well before the end.
    const proxy = await proxyForTest(server, { bytesPerSecond: size / 16 });
    const run = await mtputJson([source.path], { server, port: proxy.port, path: 'many.bin' }, ['-n', '4']);
    await expectArrived(run, server, 'many.bin', source);
    expect(noticesOf(run, 'single-writer')).toEqual([]);
    expect(await carriers(proxy)).toBe(4);
  });
});
