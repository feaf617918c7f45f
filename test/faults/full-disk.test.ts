/** proftpd says OK to a write that found room for a part alone: what nobody but digests can notice is noticed. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { proftpdForTest, type SourceForTest, sourceForTest } from '../support/for-one-test.ts';
import { startLiveRun } from '../support/live-run.ts';
import { eventsOf, type JsonRun, mtput, mtputJson, noticesOf } from '../support/mtput.ts';
import { sha256Of } from '../support/random-file.ts';
import { expectFailure } from '../support/run-outcome.ts';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

const MIB = 1024 * 1024;
const BLOCK = 4096;
const DISK = 16 * MIB;
const SIZE = 9 * MIB + 12_345;
/** Of what is sent slowly. */
const SLOW_SIZE = 2 * MIB + 12_345;

interface Scene {
  readonly server: TestServer;
  readonly source: SourceForTest;
  readonly directory: string;
  readonly disk: SmallDisk;
}

/** A reason where no file system may be mounted. */
async function smallDisk(size: number): Promise<Scene | string> {
  const server = await proftpdForTest();
  const directory = join(server.home, 'small');
  const disk = await mountSmallDisk(directory, DISK);
  if (typeof disk === 'string') return `no file system may be mounted here: ${disk}`;
  onTestFinished(disk.unmount);
  return { server, source: await sourceForTest(size), directory, disk };
}

async function expectWhole(run: JsonRun, { directory, source }: Scene): Promise<void> {
  expect(run.code, run.stderr).toBe(0);
  expect(await readdir(directory)).toEqual(['target.bin']);
  expect(await sha256Of(join(directory, 'target.bin'))).toBe(source.sha256);
  expect(eventsOf(run, 'result')[0]!.verified).toMatchObject({ byDigest: source.size });
}

describeWithServers(['proftpd'], 'a disk that becomes full', () => {
  const args = ['-s', '256K', '--digest-provider', 'check-file'];

  // In the quick tier one connection has the other test.
  it.for(byTier(['3'], ['1', '3']))(
    '4, and with room the same command finishes, by %s connections',
    async (connections, context) => {
      const scene = await smallDisk(SIZE);
      if (typeof scene === 'string') return context.skip(scene);
      const { server, source } = scene;
      const to = { server, path: 'small/target.bin' };
      // Neither a whole number of requests nor of pieces: the last write is a short one.
      await scene.disk.leave(SIZE / 2 + 3 * BLOCK);
      const more = ['-n', connections, ...args];
      expectFailure(await mtput([source.path], to, more), 4, /space/, /Make room on the server/);
      expect(await readdir(scene.directory)).not.toContain('target.bin');
      await scene.disk.makeRoom();
      const run = await mtputJson([source.path], to, more);
      await expectWhole(run, scene);
      const { bytesSent, bytesResumed } = eventsOf(run, 'result')[0]!;
      expect(bytesSent + bytesResumed).toBe(SIZE);
      // What the disk did hold is not sent again.
      expect(bytesResumed).toBeGreaterThan(SIZE / 3);
    },
  );

  it('is noticed where room is made before anything else could tell', async (context) => {
    const scene = await smallDisk(SLOW_SIZE);
    if (typeof scene === 'string') return context.skip(scene);
    const { server, source } = scene;
    const to = { server, path: 'small/target.bin' };
    // One write at a time, and time between them.
    const slowly = ['-n', '1', '--in-flight', '1', '--limit', '512K', ...args];
    const live = await startLiveRun([source.path], to, slowly);
    await live.event('progress', ({ bytesDone }) => bytesDone > SLOW_SIZE / 4);
    await scene.disk.leave(5 * BLOCK);
    await waitFor(() => scene.disk.free() === 0, { what: 'the disk to be full', pollMs: 1 });
    await scene.disk.makeRoom();
    const run = await live.end();
    if (run.code === 0) {
      expect(noticesOf(run).map(({ code }) => code)).toEqual(['sent-again']);
      return expectWhole(run, scene);
    }
    // The next write came before there was room.
    expect([run.code, run.stderr]).toEqual([4, expect.stringMatching(/space/)]);
    await expectWhole(await mtputJson([source.path], to, args), scene);
  });
});
