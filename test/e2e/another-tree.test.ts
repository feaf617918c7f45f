/** Commands that see another tree than SFTP does, as in a container: what they hash is not what was sent. */
import { mkdir } from 'node:fs/promises';
import { expect, it, onTestFinished } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { expectArrived } from '../support/expect-arrived.ts';
import { type SourceForTest, sourceForTest, tempDirForTest } from '../support/for-one-test.ts';
import { type ForcingServer, RUN_COMMAND, startForcingSshd } from '../support/forced-command.ts';
import { eventsOf, mtput, mtputJson, noticesOf } from '../support/mtput.ts';
import { run, runOk } from '../support/process.ts';
import { expectFailure } from '../support/run-outcome.ts';
import { byTier } from '../support/tier.ts';

const SIZE = 3_000_001;
const NAME = 'arrived.bin';
const args = ['-n', '3', '-s', '64K'];

interface Scene {
  readonly server: ForcingServer;
  readonly source: SourceForTest;
}

/** Shell commands that put something at "$copy" in the other tree, for each partial file of the server. */
const FILL = {
  nothing: 'true',
  'an older file': `head -c ${SIZE} /dev/urandom >"$copy"`,
  'an empty file': ': >"$copy"',
} as const;

/**
 * The reason, in words, where no mount can be made for one process alone. The home is a mount of its own, and private,
 * so that what is mounted over it for the shell is seen by nobody else; `unshare` would do that for all mounts, which
 * is not possible where `/` is no mount, as in a chroot.
 */
async function otherTree(fill: string): Promise<Scene | string> {
  const other = (await tempDirForTest()).file('other');
  await mkdir(other);
  const server = await startForcingSshd({
    runCommand: (home) => `export OTHER='${other}' HOME='${home}' RUN='${RUN_COMMAND}'
tries=0
until ls -A '${home}' | grep -q mtpart || [ $((tries += 1)) -gt 60 ]; do sleep 0.05; done
for name in $(ls -A '${home}' | grep mtpart); do copy="$OTHER/$name"; ${fill}; done
exec unshare -m --propagation unchanged /bin/sh -c 'mount --bind "$OTHER" "$HOME" && eval "$RUN"'`,
  });
  onTestFinished(server.stop);
  const { home } = server;
  const mounted = await run('mount', ['--bind', home, home]);
  if (mounted.code !== 0) return mounted.stderr.trim();
  onTestFinished(async () => void (await run('umount', ['-l', home])));
  await runOk('mount', ['--make-private', home]);
  const unshared = await run('unshare', ['-m', '--propagation', 'unchanged', 'true']);
  if (unshared.code !== 0) return unshared.stderr.trim();
  return { server, source: await sourceForTest(SIZE) };
}

describeWithServers(['sshd', 'sftp-server'], 'a shell that sees another tree', () => {
  it.for([
    ['without the file', FILL.nothing],
    ['with an older file of that name', FILL['an older file']],
    ...byTier([], [['with an empty file of that name', FILL['an empty file']] as const]),
  ] as const)('%s: found out and told, and nothing is sent for its sake', async ([_, fill], context) => {
    const scene = await otherTree(fill);
    if (typeof scene === 'string') return context.skip(`no mount for one process can be made here: ${scene}`);
    const { server, source } = scene;
    const done = await mtputJson([source.path], { server, path: NAME }, args);
    await expectArrived(done, server, NAME, source);
    const [result] = eventsOf(done, 'result');
    expect(result).toMatchObject({ bytesSent: SIZE, verified: { byDigest: 0, bySize: SIZE } });
    expect(noticesOf(done).map(({ message }) => message)).toEqual([
      expect.stringMatching(/^The server's shell is not used: /),
      'The server cannot hash what it has: verified by size.',
    ]);
    expect(await server.commands()).toContainEqual(Buffer.from('exec /bin/sh'));
  });

  it('is no way to verify what must be hashed', async (context) => {
    const scene = await otherTree(FILL['an older file']);
    if (typeof scene === 'string') return context.skip(`no mount for one process can be made here: ${scene}`);
    const { server, source } = scene;
    const done = await mtput([source.path], { server, path: NAME }, [...args, '--verify', 'hash']);
    expectFailure(done, 9, /no way to make digests that can be relied on/, /--verify read-back/);
  });
});
