/** Files of which the other side has an older version: what is still right of that is not transferred. */
import { randomBytes } from 'node:crypto';
import { appendFile, chmod, chown, copyFile, open, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { expectArrived } from '../support/expect-arrived.ts';
import { proftpdForTest, type SourceForTest, sourceForTest, sshdForTest } from '../support/for-one-test.ts';
import { startLiveRun } from '../support/live-run.ts';
import { machineForTest } from '../support/machines.ts';
import { eventsOf, type JsonRun, mtputJson } from '../support/mtput.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { requests } from '../support/ssh-relay.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';

const MIB = 1024 * 1024;
const PIECE = byTier(256 * 1024, 4 * MIB);
const PIECES = byTier(64, 512);
const SIZE = PIECE * PIECES;
const ARGS = ['-n', '4', '-s', `${PIECE}B`];
/** Pieces that are different in the old file. */
const CHANGED = [3, 21, 50];
const NAME = 'delta.bin';

const SERVERS = {
  'copy-data': () => sshdForTest(),
  'a shell': () => sshdForTest({ sftpOptions: '-P copy-data' }),
  'copy-file': () => proftpdForTest(),
} as const;
const COPYING = Object.entries(SERVERS);

async function giveTo(server: TestServer, path: string): Promise<void> {
  const { uid, gid } = await stat(server.home);
  await chown(path, uid, gid);
  await chmod(path, 0o644);
}

/** Makes `path` a version of `of` in which some pieces are different. */
async function makeOlder(of: string, path: string, pieces: readonly number[] = CHANGED): Promise<void> {
  await copyFile(of, path);
  const file = await open(path, 'r+');
  for (const piece of pieces) await file.write(Buffer.from('changed'), 0, 7, piece * PIECE + 1000);
  await file.close();
}

interface OldTarget {
  readonly server: TestServer;
  readonly source: SourceForTest;
  readonly path: string;
}

async function oldOn(start: () => Promise<TestServer>, pieces?: readonly number[]): Promise<OldTarget> {
  const server = await start();
  const source = await sourceForTest(SIZE);
  const path = join(server.home, NAME);
  await makeOlder(source.path, path, pieces);
  await giveTo(server, path);
  return { server, source, path };
}

function put({ server, source }: OldTarget, args: readonly string[] = []): Promise<JsonRun> {
  return mtputJson([source.path], { server, path: NAME }, [...ARGS, ...args]);
}

function resultOf(run: JsonRun) {
  return eventsOf(run, 'result')[0]!;
}

/** Why nothing was taken from the old file. */
function reasonsOf(run: JsonRun): string[] {
  return eventsOf(run, 'notice').flatMap(({ code, message }) => (code === 'not-copied' ? [message] : []));
}

describeWithServers(['sshd', 'proftpd'], 'uploads over an older version', () => {
  it.each(COPYING)('no more than what is different is sent: %s', async (_, start) => {
    const old = await oldOn(start);
    const run = await put(old);
    await expectArrived(run, old.server, NAME, old.source);
    const { bytesSent, bytesResumed } = resultOf(run);
    // Of a piece that is partly right, only its wrong parts are sent.
    expect(bytesSent).toBeGreaterThan(0);
    expect(bytesSent).toBeLessThanOrEqual(CHANGED.length * PIECE);
    expect(bytesResumed).toBe(SIZE - bytesSent);
    expect(reasonsOf(run)).toEqual([]);
  });

  it.each([
    ['longer', (SIZE * 5) / 4, 0],
    ['shorter', SIZE / 2 + 1000, SIZE / 2],
  ])('the old file may be %s', async (_, length, missing) => {
    const old = await oldOn(SERVERS['copy-data']);
    await truncate(old.path, length);
    const run = await put(old);
    await expectArrived(run, old.server, NAME, old.source);
    expect(resultOf(run).bytesSent).toBeLessThanOrEqual(missing + CHANGED.length * PIECE);
  });

  it('a copy that would take much longer than it could save is not made', async () => {
    const old = await oldOn(SERVERS['copy-data']);
    await truncate(old.path, 3 * SIZE);
    const run = await put(old);
    await expectArrived(run, old.server, NAME, old.source);
    expect(resultOf(run)).toMatchObject({ bytesSent: SIZE, bytesResumed: 0 });
  });

  it('where nothing is the same, everything is sent, and once', async () => {
    const old = await oldOn(SERVERS['copy-data']);
    await writeRandomFile(old.path, SIZE);
    const run = await put(old);
    await expectArrived(run, old.server, NAME, old.source);
    expect(resultOf(run)).toMatchObject({ bytesSent: SIZE, bytesResumed: 0 });
    expect(reasonsOf(run)).toEqual([]);
  });

  it('where the server cannot hash, everything is sent, and it is told why', async () => {
    const old = await oldOn(SERVERS['copy-data']);
    const run = await put(old, ['--digest-provider', 'none']);
    await expectArrived(run, old.server, NAME, old.source);
    expect(resultOf(run)).toMatchObject({ bytesSent: SIZE, bytesResumed: 0 });
    expect(reasonsOf(run)).toEqual([
      expect.stringMatching(/Nothing is taken from the old .*: the server cannot .* hash/),
    ]);
  });

  it('where the server cannot copy, everything is sent, and it is told why', async () => {
    // proftpd hashes within SFTP, and runs no commands.
    const old = await oldOn(() => proftpdForTest('SFTPExtensions -copyFile'));
    const run = await put(old);
    await expectArrived(run, old.server, NAME, old.source);
    expect(resultOf(run)).toMatchObject({ bytesSent: SIZE, bytesResumed: 0 });
    expect(reasonsOf(run)).toEqual([
      expect.stringMatching(/Nothing is taken from the old .*: the server cannot copy it/),
    ]);
  });

  it('with --no-resume, everything is sent', async () => {
    const old = await oldOn(SERVERS['copy-data']);
    const run = await put(old, ['--no-resume']);
    await expectArrived(run, old.server, NAME, old.source);
    expect(resultOf(run)).toMatchObject({ bytesSent: SIZE, bytesResumed: 0 });
  });

  it.each(COPYING.slice(0, byTier(1, 3)))(
    'a run that was killed is continued, and the old file is intact until then: %s',
    async (_, start) => {
      const half = Array.from({ length: PIECES / 2 }, (_, index) => 2 * index + 1);
      const old = await oldOn(start, half);
      // Whole pieces are different, so that half of the file has to be sent.
      const file = await open(old.path, 'r+');
      for (const piece of half) await file.write(randomBytes(PIECE), 0, PIECE, piece * PIECE);
      await file.close();
      const before = await sha256Of(old.path);
      const to = { server: old.server, path: NAME };
      const live = await startLiveRun([old.source.path], to, [...ARGS, '--limit', `${SIZE / 8}B`]);
      const { bytesResumed } = await live.event('progress', (now) => now.bytesDone > now.bytesResumed + SIZE / 8);
      live.kill('SIGKILL');
      await live.end();
      expect(bytesResumed).toBeGreaterThan(0);
      expect(await sha256Of(old.path)).toBe(before);

      const run = await put(old);
      await expectArrived(run, old.server, NAME, old.source);
      expect(resultOf(run).bytesSent).toBeLessThan(SIZE / 2);
    },
  );

  it('an old file that is changed meanwhile is not replaced', async () => {
    const old = await oldOn(SERVERS['copy-data']);
    const machine = await machineForTest(old.server, { name: 'one' });
    const copied = machine.relay.hold(requests('extended', 'copy-data'));
    const run = await machine.put(old.source.path, NAME, ARGS);
    await copied.arrived();
    await appendFile(old.path, 'by somebody else');
    const changed = await sha256Of(old.path);
    await copied.release();
    const end = await run.end();
    expect(end.code, end.stderr).toBe(12);
    expect(await sha256Of(old.path)).toBe(changed);
  });
});
