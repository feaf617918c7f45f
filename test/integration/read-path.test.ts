/** What must hold of READs with real servers. */
import { mkdir, open, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { drainTo } from '../../src/engine/runner/descriptor-drain.ts';
import type { Drain, Range, RemoteConnection } from '../../src/remotes/remote.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { proftpdForTest, proxyForTest, sshdForTest, tempDirForTest } from '../support/for-one-test.ts';
import { startProftpd } from '../support/proftpd.ts';
import { serverForAll } from '../support/server-for-all.ts';
import { type RemoteToOptions, sftpRemoteTo } from '../support/sftp-remote-to.ts';
import { startSshd } from '../support/sshd.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';
import { complianceOfRemote } from '../unit/remotes/remote-compliance.ts';
import { fillWith, Sink, slicesOf, sourceBytes } from '../unit/remotes/sftp/staging.ts';

const MIB = 1024 * 1024;
/** Around one SSH packet, the longest READ, and one of each beside the other. */
const SIZES = [0, 1, 32_703, 32_704, 32_705, 32_755, 32_756, 32_768, 32_769, 261_119, 261_120, 261_121, 293_888];
const never = new AbortController().signal;
const from = Buffer.from('f');

async function connect(server: TestServer, options: RemoteToOptions = {}, id = 1): Promise<RemoteConnection> {
  const connection = await sftpRemoteTo(server, options).connect(id, never, () => {});
  onTestFinished(() => connection.close());
  return connection;
}

async function serve(server: TestServer, bytes: Uint8Array, name = 'f'): Promise<void> {
  await writeFile(join(server.home, name), bytes);
}

/** Equal, without printing megabytes where it is not. */
function expectEqual(found: Uint8Array, wanted: Uint8Array): void {
  expect(Buffer.compare(found, wanted)).toBe(0);
}

/** Drains later, so that a view that does not last shows. */
function lazily(drain: Drain, ms = 3): Drain {
  return async (views, offset) => {
    await sleep(ms);
    await drain(views, offset);
  };
}

const IN_FLIGHT: readonly (number | 'auto')[] = [8, 64, 'auto'];
/** How requests are kept in flight is the same with both. */
const servers = [
  ['sshd', startSshd, IN_FLIGHT],
  ['proftpd', startProftpd, byTier(IN_FLIGHT.slice(2), IN_FLIGHT)],
] as const;

for (const [name, start, amounts] of servers) {
  describeWithServers([name], `the contract of a remote with ${name}`, () => {
    const server = serverForAll(start);
    let turn = 0;
    complianceOfRemote(async () => {
      const connection = await sftpRemoteTo(server()).connect(1, never, () => {});
      const own = Buffer.from(`directory-${++turn}`);
      await connection.makeDirectory(own);
      const directory = Buffer.from(await connection.realPath(own)).toString('latin1');
      return { connection, directory, copiesRanges: connection.beneath.session.offers('copy-data') };
    });
  });

  describeWithServers([name], `reads from ${name}`, () => {
    const serverOfAll = serverForAll(start);

    test('give files of every size around that of a packet and a request, whole, and not a byte beyond', async () => {
      const server = serverOfAll();
      const connection = await connect(server);
      for (const size of SIZES) {
        const source = sourceBytes(size + 4).subarray(0, size);
        await serve(server, source);
        const file = await connection.open(from);
        expect(await file.attributes).toMatchObject({ kind: 'file', size });
        const sink = new Sink(size);
        await file.read(slicesOf({ offset: 0, length: size }), sink.drain);
        expect(sink.total).toBe(size);
        expectEqual(sink.bytes, source);
        const beyond = file.read(slicesOf({ offset: size, length: 1 }), sink.drain);
        await expect(beyond).rejects.toMatchObject({ code: 'source-changed', exitCode: 10 });
        await file.close();
      }
    });

    test.each([...amounts])('give ranges, in requests of %s, into a local file', async (inFlight) => {
      const server = serverOfAll();
      const source = sourceBytes(byTier(4, 64) * MIB);
      await serve(server, source);
      const file = await (await connect(server, { inFlight })).open(from);
      const path = (await tempDirForTest()).file('sink');
      const sink = await open(path, 'w');
      onTestFinished(() => sink.close());
      let offset = 0;
      for (const length of [...SIZES, source.length]) {
        const range = { offset, length: Math.min(length, source.length - offset) };
        await file.read(slicesOf(range), drainTo(sink.fd));
        offset += range.length;
      }
      expectEqual(await readFile(path), source);
    });

    test('come right when calls overlap each other, and other requests, and the disk is slow', async () => {
      const server = serverOfAll();
      const source = sourceBytes(byTier(4, 64) * MIB);
      await serve(server, source);
      const connection = await connect(server);
      const file = await connection.open(from);
      const sink = new Sink(source.length);
      const share = source.length / 4;
      const looks = Array.from({ length: 50 }, () => connection.stat(Buffer.from('.')));
      const drain = lazily(sink.drain);
      await Promise.all([3, 1, 0, 2].map((n) => file.read(slicesOf({ offset: n * share, length: share }), drain)));
      expectEqual(sink.bytes, source);
      for (const found of await Promise.all(looks)) expect(found?.kind).toBe('directory');
    });

    test('fail when the file is cut short meanwhile, with no drain left under way; the connection goes on', async () => {
      const server = serverOfAll();
      const source = sourceBytes(byTier(12, 24) * MIB);
      await serve(server, source);
      const connection = await connect(server);
      const file = await connection.open(from);
      const sink = new Sink(source.length);
      let [drained, draining] = [0, 0];
      let cut: Promise<void> | undefined;
      const reading = file.read(slicesOf({ offset: 0, length: source.length }), async (views, offset) => {
        draining++;
        drained += views.reduce((sum, { length }) => sum + length, 0);
        // What is in flight by then ends before the cut, and nothing more is asked for until it is done.
        if (drained > 4 * MIB) cut ??= truncate(join(server.home, 'f'), 8 * MIB);
        await cut;
        await sink.drain(views, offset);
        draining--;
      });
      await expect(reading).rejects.toMatchObject({ code: 'source-changed', scope: 'file' });
      expect(draining).toBe(0);
      expect(sink.total).toBeGreaterThan(4 * MIB);
      expect(sink.total).toBeLessThanOrEqual(8 * MIB);
      const again = new Sink(8 * MIB);
      await file.read(slicesOf({ offset: 0, length: 8 * MIB }), again.drain);
      expectEqual(again.bytes, source.subarray(0, 8 * MIB));
    });

    test('give back what is staged while another connection writes it', async () => {
      const server = serverOfAll();
      const writer = await connect(server);
      const source = sourceBytes(byTier(4, 64) * MIB);
      const staged = await writer.stage(Buffer.from('g'), 'new');
      const joined = await (await connect(server, {}, 2)).join(staged.token);
      const sink = new Sink(source.length);
      const reads: Promise<void>[] = [];
      await staged.write(slicesOf({ offset: 0, length: source.length }), fillWith(source), (part: Range) => {
        reads.push(joined.readBack(slicesOf(part), sink.drain));
      });
      await Promise.all(reads);
      expectEqual(sink.bytes, source);
      const beyond = joined.readBack(slicesOf({ offset: source.length - 1, length: 2 }), new Sink(source.length).drain);
      await expect(beyond).rejects.toMatchObject({ code: 'integrity', exitCode: 9 });
      await joined.close();
      const seal = await staged.seal({ size: source.length });
      await writer.publish(staged.token, seal);
      expectEqual(await readFile(join(server.home, 'g')), source);
    });

    test('fail at once when the connection is cut, and what was drained is right', async () => {
      const server = serverOfAll();
      const source = sourceBytes(byTier(8, 32) * MIB);
      await serve(server, source);
      const proxy = await proxyForTest(server, { bytesPerSecond: 20 * MIB, resetAllAfter: { down: 4 * MIB } });
      const file = await (await connect(server, { port: proxy.port })).open(from);
      const sink = new Sink(source.length);
      let draining = 0;
      const drain: Drain = async (views, offset) => {
        draining++;
        await lazily(sink.drain)(views, offset);
        draining--;
      };
      const reading = file.read(slicesOf({ offset: 0, length: source.length }), drain);
      await expect(reading).rejects.toMatchObject({ scope: 'connection' });
      expect(draining).toBe(0);
      const { total } = sink;
      expect(total).toBeGreaterThan(MIB);
      expect(total).toBeLessThan(source.length);
      expect(sink.bytes.every((byte, index) => byte === 0 || byte === source[index])).toBe(true);
      await expect(file.close()).rejects.toMatchObject({ scope: 'connection' });
    });

    test('follow links; what is missing is not opened, and what is no file is not read', async () => {
      const server = serverOfAll();
      await serve(server, Buffer.from('behind a link'));
      await mkdir(join(server.home, 'd'));
      await symlink('f', join(server.home, 'link'));
      await symlink('nowhere', join(server.home, 'dangling'));
      const connection = await connect(server);
      const file = await connection.open(Buffer.from('link'));
      const sink = new Sink(13);
      await file.read(slicesOf({ offset: 0, length: 13 }), sink.drain);
      expect(sink.bytes.toString()).toBe('behind a link');
      for (const missing of ['nothing', 'd/nothing']) {
        await expect(connection.open(Buffer.from(missing))).rejects.toMatchObject({ code: 'source-missing' });
      }
      // Servers differ in what they say of these, and whether a directory can be opened.
      const refusal = { scope: 'file', exitCode: 3 };
      await expect(connection.open(Buffer.from('dangling'))).rejects.toMatchObject(refusal);
      const attributes = connection.open(Buffer.from('d')).then((directory) => directory.attributes);
      await expect(attributes).rejects.toMatchObject(refusal);
      const read = connection
        .open(Buffer.from('d'))
        .then((directory) => directory.read(slicesOf({ offset: 0, length: 1 }), new Sink(1).drain));
      await expect(read).rejects.toMatchObject(refusal);
    });
  });
}

describeWithServers(['proftpd'], 'a server that takes files and gives none', () => {
  test('is written to; what would be read is refused', async () => {
    const server = await proftpdForTest('<Limit READ>\nDenyAll\n</Limit>');
    await serve(server, Buffer.from('x'));
    const connection = await connect(server);
    const source = sourceBytes(MIB);
    const staged = await connection.stage(Buffer.from('g'), 'new');
    const whole = { offset: 0, length: source.length };
    await staged.write(slicesOf(whole), fillWith(source), () => {});
    const back = staged.readBack(slicesOf(whole), new Sink(source.length).drain);
    await expect(back).rejects.toMatchObject({ code: 'destination-permission' });
    await expect(connection.open(from)).rejects.toMatchObject({ code: 'source-unreadable' });
    const seal = await staged.seal({ size: source.length });
    await connection.publish(staged.token, seal);
    expectEqual(await readFile(join(server.home, 'g')), source);
  });
});

describe('reads under every cipher', () => {
  describeWithServers(['sshd'], 'of sshd', () => {
    test.each(['aes128-gcm@openssh.com', 'chacha20-poly1305@openssh.com', 'aes128-ctr'])(
      'come right with %s, views last until they are drained, also while keys are exchanged anew',
      async (cipher) => {
        const server = await sshdForTest({ config: ['RekeyLimit 4M'] });
        const source = sourceBytes(byTier(10, 16) * MIB);
        await serve(server, source);
        const file = await (await connect(server, { options: [`Ciphers=${cipher}`] })).open(from);
        const sink = new Sink(source.length);
        await file.read(slicesOf({ offset: 0, length: source.length }), lazily(sink.drain));
        expectEqual(sink.bytes, source);
      },
    );
  });
});
