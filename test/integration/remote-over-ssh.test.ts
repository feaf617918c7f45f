/** What must hold of every remote also holds on a real server, however the connections to it are made. */
import { chmod, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { CopyError } from '../../src/errors.ts';
import { SftpRemote } from '../../src/remotes/sftp/sftp-remote.ts';
import type { SshTransport } from '../../src/remotes/sftp/ssh/ssh-connection.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';

import { startProftpd } from '../support/proftpd.ts';
import { systemTransportTo, transportTo } from '../support/sftp-remote-to.ts';
import { startSshd } from '../support/sshd.ts';
import type { TestServer } from '../support/test-server.ts';
import { complianceOfRemote } from '../unit/remotes/remote-compliance.ts';

const never = new AbortController().signal;
const OPTIONS = { stallTimeoutMs: 30_000, inFlight: 'auto' } as const;

const transports: readonly (readonly [string, (server: TestServer) => SshTransport | Promise<SshTransport>])[] = [
  ['ssh2', transportTo],
  ["the system's ssh", systemTransportTo],
];

for (const [kind, start] of [['sshd', startSshd] as const, ['proftpd', startProftpd] as const]) {
  describeWithServers([kind], `a remote on ${kind}`, () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server?.stop());

    describe.each(transports)('by %s', (_, transportOf) => {
      complianceOfRemote(async () => {
        const remote = new SftpRemote(await transportOf(server), OPTIONS);
        const connection = await remote.connect(1, never, () => {});
        const directory = await mkdtemp(join(server.home, 'compliance-'));
        // proftpd serves another user.
        await chmod(directory, 0o777);
        return { connection, directory, copiesRanges: kind === 'sshd' };
      });
    });
  });
}

describeWithServers(['sshd'], 'a transport', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startSshd();
  });
  afterAll(() => server?.stop());

  describe.each(transports)('by %s', (_, transportOf) => {
    test('opens connections that know the software of the server, and runs commands', async () => {
      const transport = await transportOf(server);
      const admitted: number[] = [];
      const connections = await Promise.all(
        [1, 2, 3].map((id) => transport.open(id, never, () => void admitted.push(id))),
      );
      onTestFinished(async () => void (await Promise.all(connections.map((one) => one.close()))));
      expect(admitted.sort()).toEqual([1, 2, 3]);
      expect(transport.isSettled).toBe(true);
      for (const { software } of connections) expect(software).toMatch(/^OpenSSH_/);
      const channel = await connections[1]!.exec('cat; echo "$MT_COPY_PASSWORD" >&2; exit 3');
      channel.stdin.end('all of this');
      expect(await text(channel.stdout)).toBe('all of this');
      expect(await channel.exited).toBe(3);
      expect(channel.stderrTail().trim()).toBe('');
    });

    test('ends a connection with the reason', async () => {
      const connection = await (await transportOf(server)).open(1, never);
      await connection.close();
      expect(await connection.closed).toBeUndefined();
    });

    test('opens nothing when that is not wanted any more', async () => {
      const gone = new AbortController();
      const opening = (await transportOf(server)).open(1, gone.signal);
      gone.abort();
      await expect(opening).rejects.toMatchObject({ code: 'cancelled' });
      await expect(opening).rejects.toBeInstanceOf(CopyError);
    });
  });
});
