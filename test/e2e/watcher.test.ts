/**
 * No final name is ever visible with wrong content: somebody looks at the target all the time while ten runs are
 * interrupted, some in the middle, some after the last WRITE, and sees the old content or the whole new one.
 */
import { readdir } from 'node:fs/promises';
import { expect, it, onTestFinished } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { recordFigure } from '../support/figures.ts';
import {
  proftpdForTest,
  proxyForTest,
  type SourceForTest,
  sourceForTest,
  sshdForTest,
} from '../support/for-one-test.ts';
import { type LiveRun, startLiveRun } from '../support/live-run.ts';
import { mtputJson } from '../support/mtput.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { watchTarget } from '../support/target-watcher.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';

const MB = 1_000_000;
const SIZE = byTier(4, 12) * MB;

interface Scene {
  readonly run: LiveRun;
  readonly server: TestServer;
  readonly proxy: RunningProxy;
}

interface Interruption {
  readonly name: string;
  /** Whether it strikes when all bytes are acknowledged, and before the target was renamed. */
  readonly afterLastWrite?: boolean;
  strike(scene: Scene): Promise<unknown>;
}

async function sent(run: LiveRun, share: number): Promise<void> {
  await run.event('progress', ({ bytesDone, connections }) => connections > 1 && bytesDone > share * SIZE);
}

/** The line is so long that what follows takes a second, and whatever strikes now comes before the rename. */
async function allWritten({ run }: Scene): Promise<void> {
  await run.event('file', ({ state }) => state === 'committing');
}

const interruptions: readonly Interruption[] = [
  { name: 'killed at the beginning', strike: ({ run }) => sent(run, 0.05).then(() => run.kill()) },
  { name: 'killed in the middle', strike: ({ run }) => sent(run, 0.4).then(() => run.kill()) },
  { name: 'terminated in the middle', strike: ({ run }) => sent(run, 0.4).then(() => run.kill('SIGTERM')) },
  { name: 'all connections reset', strike: ({ run, proxy }) => sent(run, 0.4).then(() => proxy.reset('all')) },
  { name: 'sessions killed', strike: ({ run, server }) => sent(run, 0.4).then(() => server.killSessions()) },
  {
    name: 'killed after the last write',
    afterLastWrite: true,
    strike: (scene) => allWritten(scene).then(() => scene.run.kill()),
  },
  {
    name: 'interrupted after the last write',
    afterLastWrite: true,
    strike: (scene) => allWritten(scene).then(() => scene.run.kill('SIGINT')),
  },
  {
    name: 'all connections reset after the last write',
    afterLastWrite: true,
    strike: (scene) => allWritten(scene).then(() => scene.proxy.reset('all')),
  },
  {
    name: 'sessions killed after the last write',
    afterLastWrite: true,
    strike: (scene) => allWritten(scene).then(() => scene.server.killSessions()),
  },
  {
    name: 'stalled and killed after the last write',
    afterLastWrite: true,
    strike: async (scene) => {
      await allWritten(scene);
      await scene.proxy.stall('all');
      scene.run.kill();
      await scene.run.end();
      await scene.proxy.reset('all');
      await scene.proxy.resume('all');
    },
  },
];

/**
 * In the quick tier one in the middle, and of those that come late one that ends the run and one that ends its lines.
 */
const QUICK: readonly string[] = [
  'killed in the middle',
  'killed after the last write',
  'all connections reset after the last write',
];
const few = interruptions.filter(({ name }) => QUICK.includes(name));

const servers: readonly (readonly [string, () => Promise<TestServer>, readonly Interruption[]])[] = [
  ['sshd', sshdForTest, byTier(few, interruptions)],
  ...byTier([], [
    ['proftpd', proftpdForTest, interruptions],
    ['proftpd with HiddenStores', () => proftpdForTest('HiddenStores on'), interruptions],
  ] as const),
];

describeWithServers(['sshd', 'proftpd'], 'the final name', () => {
  it.each(servers)(
    'shows the old content or the whole new one during interrupted runs: %s',
    async (_name, start, strikes) => {
      const server = await start();
      const proxy = await proxyForTest(server, { bytesPerSecond: byTier(3, 4) * MB, delayMs: byTier(20, 40) });
      const to = { server, port: proxy.port, path: 'target.bin' };
      const old = await sourceForTest(SIZE + 12_345);
      expect(await mtputJson([old.path], { server, path: 'target.bin' })).toMatchObject({ code: 0 });
      const watcher = watchTarget(`${server.home}/target.bin`);
      onTestFinished(watcher.stop);
      await watcher.look();

      const contents: SourceForTest[] = [old];
      let cutLate = 0;
      for (const { afterLastWrite = false, strike } of strikes) {
        const source = await sourceForTest(SIZE);
        contents.push(source);
        const run = await startLiveRun([source.path], to, ['-n', '3', '-s', '1M']);
        await strike({ run, server, proxy });
        const { code } = await run.end();
        await watcher.look();
        const isNew = watcher.seen.at(-1) === source.sha256;
        // Only a run that said so has done it; one that was cut off may have got as far, too.
        if (code === 0) expect(isNew).toBe(true);
        if (afterLastWrite && !(isNew && code !== 0)) cutLate++;
      }
      const last = await sourceForTest(SIZE);
      contents.push(last);
      // By the same way: what this machine staged of another source is removed.
      expect(await mtputJson([last.path], to, ['-n', '3', '-s', '1M'])).toMatchObject({ code: 0 });
      await watcher.look();
      await watcher.stop();

      const versions = watcher.seen.map((sha256) => contents.findIndex((content) => content.sha256 === sha256));
      // Whole contents alone, no gap in between, and none that was replaced comes back.
      expect(versions).not.toContain(-1);
      expect(versions).toEqual([...versions].sort((a, b) => a - b));
      expect(versions.at(-1)).toBe(contents.length - 1);
      expect(cutLate).toBeGreaterThanOrEqual(byTier(1, 3));
      expect(watcher.looks).toBeGreaterThan(100);
      // What a killed session of proftpd's HiddenStores leaves cannot be seen through SFTP.
      const left = (await readdir(server.home)).filter((name) => !name.startsWith('.in.'));
      expect(left).toEqual(['target.bin']);
    },
    byTier(120_000, 300_000),
  );

  it('is not there before the whole file is, where there was none', async ({ task }) => {
    const server = await sshdForTest();
    const source = await sourceForTest(byTier(10, 100) * MB);
    const watcher = watchTarget(`${server.home}/target.bin`);
    onTestFinished(watcher.stop);
    expect(await mtputJson([source.path], { server, path: 'target.bin' }, ['-n', '4'])).toMatchObject({ code: 0 });
    await watcher.look();
    await watcher.stop();
    expect(watcher.seen).toEqual(['missing', source.sha256]);
    recordFigure(task, 'looks', watcher.looks);
  });
});
