/** What must hold of WRITEs whichever way they go out: past ssh2's public interface, or by it. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { RemoteConnection, Staged } from '../../src/remotes/remote.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { proftpdForTest, proxyForTest, sshdForTest } from '../support/for-one-test.ts';
import { partialOf } from '../support/partials.ts';
import { type RemoteToOptions, sftpRemoteTo, transportTo } from '../support/sftp-remote-to.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';
import { fillWith, slicesOf, sourceBytes } from '../unit/remotes/sftp/staging.ts';

const MIB = 1024 * 1024;
const never = new AbortController().signal;

interface Open {
  readonly connection: RemoteConnection;
  readonly staged: Staged;
}

async function open(server: TestServer, options: RemoteToOptions): Promise<Open> {
  const connection = await sftpRemoteTo(server, options).connect(1, never, () => {});
  onTestFinished(() => connection.close());
  return { connection, staged: await connection.stage(Buffer.from('f'), 'new') };
}

async function write(staged: Staged, source: Buffer, offset = 0, length = source.length - offset): Promise<number> {
  let acknowledged = 0;
  await staged.write(slicesOf({ offset, length }), fillWith(source), (part) => {
    acknowledged += part.length;
  });
  return acknowledged;
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function expectStaged(server: TestServer, source: Buffer): Promise<void> {
  expect(digest(await readFile(await partialOf(server.home, 'f')))).toBe(digest(source));
}

const servers: readonly (readonly [string, () => Promise<TestServer>])[] = [
  ['sshd', () => sshdForTest()],
  ['proftpd', () => proftpdForTest()],
];

for (const fastPath of [true, false]) {
  describeWithServers(
    ['sshd', 'proftpd'],
    `writes ${fastPath ? 'by the fast path' : "by ssh2's public interface"}`,
    () => {
      test.each(
        byTier(['aes128-gcm@openssh.com'], ['aes128-gcm@openssh.com', 'chacha20-poly1305@openssh.com', 'aes256-ctr']),
      )('arrive with %s, at every length around that of a packet', async (cipher) => {
        const server = await sshdForTest();
        const { staged } = await open(server, { fastPath, options: [`Ciphers=${cipher}`] });
        const source = sourceBytes(4 * MIB);
        let offset = 0;
        for (const length of [
          1, 2, 15, 16, 17, 32_700, 32_738, 32_739, 32_740, 32_768, 65_507, 65_508, 261_120, 261_121,
        ]) {
          expect(await write(staged, source, offset, length)).toBe(length);
          offset += length;
        }
        await write(staged, source, offset);
        await expectStaged(server, source);
      });

      test.each(byTier(servers.slice(1), servers))(
        'arrive at %s when calls overlap each other, and other requests',
        async (_, start) => {
          const server = await start();
          const { connection, staged } = await open(server, { fastPath });
          const source = sourceBytes(byTier(8, 64) * MIB);
          const share = source.length / 4;
          const looks = Array.from({ length: 50 }, () => connection.stat(Buffer.from('.')));
          const parts = await Promise.all([0, 1, 2, 3].map((n) => write(staged, source, n * share, share)));
          expect(parts).toEqual([share, share, share, share]);
          for (const found of await Promise.all(looks)) expect(found?.kind).toBe('directory');
          await expectStaged(server, source);
        },
      );

      test('arrive when more is in flight than the window of the channel lets through', async () => {
        const server = await sshdForTest();
        // 8 MiB: OpenSSH gives a window of 2 MiB.
        const { staged } = await open(server, { fastPath, inFlight: 256 });
        const source = sourceBytes(byTier(12, 32) * MIB);
        expect(await write(staged, source)).toBe(source.length);
        await expectStaged(server, source);
      });

      test.each(
        byTier(
          [fastPath ? 'chacha20-poly1305@openssh.com' : 'aes128-ctr'],
          ['aes128-gcm@openssh.com', 'chacha20-poly1305@openssh.com', 'aes128-ctr'],
        ),
      )('arrive with %s while keys are exchanged anew after every MiB', async (cipher) => {
        const server = await sshdForTest({ config: ['RekeyLimit 1M'], logLevel: 'DEBUG1' });
        const { staged } = await open(server, { fastPath, options: [`Ciphers=${cipher}`] });
        const source = sourceBytes(24 * MIB);
        expect(await write(staged, source)).toBe(source.length);
        await expectStaged(server, source);
        const exchanges = (await server.log()).split('SSH2_MSG_NEWKEYS received').length - 1;
        expect(exchanges).toBeGreaterThan(10);
      });

      test('fail at once and leave the process alone when the connection is cut', async () => {
        const server = await sshdForTest();
        const proxy = await proxyForTest(server, {
          bytesPerSecond: 20 * MIB,
          resetAllAfter: { up: byTier(2, 8) * MIB },
        });
        const { staged } = await open(server, { fastPath, port: proxy.port });
        const source = sourceBytes(byTier(12, 32) * MIB);
        await expect(write(staged, source)).rejects.toMatchObject({ scope: 'connection' });
      });
    },
  );
}

describe('the fast path', () => {
  describeWithServers(['sshd'], 'with the ssh2 that is installed', () => {
    // If this fails, ssh2 is another version: read what changed in it, then let fast-outlet.ts know the new one.
    test('is taken, unless it is switched off', async () => {
      const server = await sshdForTest();
      const outlets = [true, false].map(async (fastPath) => {
        const connection = await transportTo(server, { fastPath }).open(1, never);
        await connection.close();
        return connection.outlet !== undefined;
      });
      expect(await Promise.all(outlets)).toEqual([true, false]);
    });
  });
});
