/** Cut off and run again with the same command: the file is right, and what was durable does not travel twice. */
import {
  appendFile,
  chmod,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RangeSet } from '../../src/util/range-set.ts';
import { NAME, sceneForTest } from '../support/copy-scene.ts';
import {
  type Change,
  CONNECTIONS,
  CUT_KINDS,
  type CutKind,
  cutCopy,
  cutMoments,
  cutUpload,
  durableIn,
  journalOf,
  leftOver,
  rateFor,
  SIZE,
  sentOver,
} from '../support/cut-copy.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import type { Direction } from '../support/directions.ts';
import { expectArrived, expectArrivedIn } from '../support/expect-arrived.ts';
import { flipBitUnseen } from '../support/flip-bit.ts';
import {
  proftpdForTest,
  proxyForTest,
  type SourceForTest,
  sourceForTest,
  sshdForTest,
} from '../support/for-one-test.ts';
import { startLiveRun } from '../support/live-run.ts';
import { eventsOf, mtputJson } from '../support/mtput.ts';
import { foreignPartial } from '../support/partials.ts';
import type { RunningProxy } from '../support/proxy.ts';
import { sha256Of } from '../support/random-file.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier, inLongerTiers } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

const MB = 1_000_000;
/** Where nobody can hash: the journal alone decides. */
const PIECE = byTier(256, 1024) * 1024;
const args = ['-s', `${PIECE}B`, '--digest-provider', 'none'];
const several = ['-n', String(CONNECTIONS), ...args];

const SERVERS = [
  ['sshd', () => sshdForTest({ forceSftp: true })],
  ['proftpd', () => proftpdForTest('SFTPExtensions -checkFile')],
] as const;

/** A run that is killed when so much of the file has passed, and so much of it is durable. */
async function cutOff(
  server: TestServer,
  source: SourceForTest,
  share: number,
  durableShare = 0,
): Promise<RunningProxy> {
  return (await cutUpload('the client is killed', { server, source, args, share, durableShare })).proxy;
}

/**
 * In the quick tier each server has one of those that resume-digests.test.ts does not have there, and sshd a download.
 */
const QUICK_KINDS: Readonly<Record<string, readonly (readonly [Direction, CutKind])[]>> = {
  sshd: [
    ['up', 'the client loses its power'],
    ['down', 'the client is killed'],
  ],
  proftpd: [['up', 'all connections are reset']],
};
const ALL_KINDS: readonly (readonly [Direction, CutKind])[] = [
  ...CUT_KINDS.map((kind) => ['up', kind] as const),
  ['down', 'the client is killed'],
  ['down', 'the client loses its power'],
  ['down', 'all connections are reset'],
];
/** Downloads share most of their code with uploads, and so have fewer in the longer tiers. */
const MOST_CUTS: Readonly<Record<Direction, number>> = { up: Number.POSITIVE_INFINITY, down: 2 };

function casesFor(server: string): (readonly [Direction, CutKind, number])[] {
  return byTier(QUICK_KINDS[server]!, ALL_KINDS).flatMap(([direction, kind], index) =>
    cutMoments(server.length + index)
      .slice(0, MOST_CUTS[direction])
      .map((share) => [direction, kind, share] as const),
  );
}

describeWithServers(['sshd', 'proftpd'], 'a copy that is run again', () => {
  describe.each(SERVERS)('%s', (name, start) => {
    it.each(casesFor(name))('%s, when %s at %f of the file', async (direction, kind, share) => {
      const server = await start();
      const scene = await sceneForTest(direction, server, SIZE);
      const line = await cutCopy(kind, { scene, args, share, durableShare: 0.1 });
      const { total: durable } = await durableIn(await journalOf(server));
      const run = await scene.run(several, line.proxy.port);
      await expectArrivedIn(run, scene.directory, NAME, scene.source);
      const { bytesSent, bytesResumed } = eventsOf(run, 'result')[0]!;
      expect(bytesSent + bytesResumed).toBe(SIZE);
      // Without the last lines of its journal it may have to begin anew.
      if (kind !== 'the client loses its power') {
        expect(durable).toBeGreaterThan(0.1 * SIZE);
        expect(bytesResumed).toBeGreaterThanOrEqual(durable);
      }
      expect((await sentOver(line)).later).toBeLessThan(1.02 * bytesSent + MB);
      expect(await readdir(join(server.dir, 'state/mt-copy-tools'))).toEqual([]);
    });
  });
});

describeWithServers(['sshd'], 'an upload that was interrupted', () => {
  it('keeps all that was acknowledged, says so, and goes on from there', async () => {
    const server = await sshdForTest();
    const source = await sourceForTest(SIZE);
    const proxy = await proxyForTest(server, { bytesPerSecond: rateFor(SIZE) });
    const run = await startLiveRun([source.path], { server, port: proxy.port, path: NAME }, several);
    await run.event('progress', ({ bytesDone }) => bytesDone > SIZE / 2);
    run.kill('SIGINT');
    const ended = await run.end();
    expect(ended.code).toBe(130);
    const { bytesKept, bytesSent } = eventsOf(ended, 'result')[0]!;
    // Whole pieces, of which each connection may have one half done.
    expect(bytesKept).toBeGreaterThan(bytesSent - 2 * CONNECTIONS * PIECE);
    expect(ended.stderr).toMatch(/ are safe on the server; the same command continues from there\.\n$/);
    await proxy.reshape('all', { bytesPerSecond: 1000 * MB });
    const again = await mtputJson([source.path], { server, port: proxy.port, path: NAME }, several);
    await expectArrived(again, server, NAME, source);
    expect(eventsOf(again, 'result')[0]!.bytesResumed).toBe(bytesKept);
  });
});

describeWithServers(['sshd'], 'a server that crashed', () => {
  it('has lost what was not synced, and gets it again', async () => {
    const server = await sshdForTest();
    const source = await sourceForTest(SIZE);
    const { port } = await cutOff(server, source, 0.8, 0.1);
    await waitFor(() => server.sessionPids().length === 0, { what: 'the end of the old sessions' });
    const lost = await forgetUnsynced(await leftOver(server.home), await journalOf(server));
    expect(lost).toBeGreaterThan(MB);
    const run = await mtputJson([source.path], { server, port, path: NAME }, several);
    await expectArrived(run, server, NAME, source);
    expect(eventsOf(run, 'result')[0]!.bytesResumed).toBeGreaterThan(0);
  });
});

/**
 * Leaves holes where the journal knows of no sync, as a crash may, with size and time as they were. Returns how much.
 */
async function forgetUnsynced(partial: string, journal: string): Promise<number> {
  const { size, atime, mtime } = await stat(partial);
  const lost = new RangeSet([{ offset: 0, length: size }]);
  for (const piece of await durableIn(journal)) lost.remove(piece);
  const file = await open(partial, 'r+');
  for (const { offset, length } of lost) await file.write(Buffer.alloc(length), 0, length, offset);
  await file.close();
  await utimes(partial, atime, mtime);
  return lost.total;
}

/** None is in the quick tier: the unit tests of file-journal have them all. */
const CHANGES: readonly Change[] = [
  ['a bit of the source changed, its time put back', ({ source }) => flipBitUnseen(source, 10)],
  ['the partial was cut short', ({ partial }) => truncate(partial, 1000)],
  ['the journal is gone', async ({ journal }) => rename(journal, `${journal}.away`)],
  ['the source became longer', ({ source }) => appendFile(source, 'more')],
  ['the partial is longer than the source', ({ partial }) => truncate(partial, 2 * SIZE)],
  [
    'somebody wrote to the partial much later',
    ({ partial }) => utimes(partial, new Date(), new Date(Date.now() + 3_600_000)),
  ],
  ['the journal is torn in its header', ({ journal }) => truncate(journal, 100)],
];

describeWithServers(['sshd'], 'what an earlier run left is not used', () => {
  it.each(byTier([], CHANGES))('where %s', async (what, change) => {
    const server = await sshdForTest();
    const source = await sourceForTest(SIZE);
    const { port } = await cutOff(server, source, 0.5);
    // What was on its way still gets written.
    await waitFor(() => server.sessionPids().length === 0, { what: 'the end of the old sessions' });
    await change({
      source: source.path,
      partial: await leftOver(server.home),
      journal: await journalOf(server),
    });
    const run = await mtputJson([source.path], { server, port, path: NAME }, several);
    await expectArrived(
      run,
      server,
      NAME,
      { sha256: await sha256Of(source.path) },
      {
        // Without a journal it may be that of another machine, which may want to continue it.
        others: what.includes('journal') ? 1 : 0,
      },
    );
    expect(eventsOf(run, 'result')[0]).toMatchObject({ bytesResumed: 0 });
  });

  inLongerTiers(() => {
    it('where others may write it', async () => {
      const server = await sshdForTest();
      const source = await sourceForTest(SIZE);
      const { port } = await cutOff(server, source, 0.5);
      await chmod(await leftOver(server.home), 0o666);
      const run = await mtputJson([source.path], { server, port, path: NAME }, several);
      await expectArrived(run, server, NAME, source);
      expect(eventsOf(run, 'result')[0]).toMatchObject({ bytesResumed: 0 });
    });
  });

  it.each(byTier([], ['a link', 'a directory']))(
    'where %s stands in its place, which is left alone, as is what it leads to',
    async (what) => {
      const server = await sshdForTest();
      const source = await sourceForTest(SIZE);
      const { port } = await cutOff(server, source, 0.5);
      await waitFor(() => server.sessionPids().length === 0, { what: 'the end of the old sessions' });
      const partial = await leftOver(server.home);
      await rm(partial);
      await writeFile(join(server.home, 'precious'), 'of somebody else');
      await (what === 'a link' ? symlink('precious', partial) : mkdir(partial));
      const run = await mtputJson([source.path], { server, port, path: NAME }, several);
      expect(run.code).toBe(0);
      expect(await sha256Of(join(server.home, NAME))).toBe(source.sha256);
      expect(eventsOf(run, 'result')[0]).toMatchObject({ bytesResumed: 0 });
      expect(await readFile(join(server.home, 'precious'), 'utf8')).toBe('of somebody else');
      expect((await readdir(server.home)).sort()).toEqual([basename(partial), NAME, 'precious'].sort());
    },
  );

  // In the quick tier foreign-partials.test.ts has it.
  inLongerTiers(() => {
    it('where it is not in our journal and somebody writes it: 12, and the old target stays', async () => {
      const server = await sshdForTest();
      const source = await sourceForTest(SIZE);
      await writeFile(join(server.home, NAME), 'old');
      await writeFile(foreignPartial(server.home, NAME), 'of another machine');
      const run = await startLiveRun([source.path], { server, path: NAME }, several);
      await run.event('file', ({ state }) => state === 'started');
      const writing = setInterval(() => void appendFile(foreignPartial(server.home, NAME), 'more'), 100);
      const result = await run.end();
      clearInterval(writing);
      expect(result.code).toBe(12);
      expect(eventsOf(result, 'result')[0]).toMatchObject({ error: { code: 'target-busy' } });
      // It was found while the first bytes were in flight.
      expect(eventsOf(result, 'result')[0]!.bytesSent).toBeLessThan(SIZE / 2);
      expect(await readFile(join(server.home, NAME), 'utf8')).toBe('old');
    });
  });

  it('and a run that is interrupted while it looks a second time ends', async () => {
    const server = await sshdForTest();
    const source = await sourceForTest(SIZE);
    await writeFile(foreignPartial(server.home, NAME), 'of another machine');
    const run = await startLiveRun([source.path], { server, path: NAME }, several);
    await run.event('file', ({ state }) => state === 'started');
    run.kill('SIGINT');
    expect((await run.end(20_000)).code).toBe(130);
    expect(await readdir(server.home)).not.toContain(NAME);
  });

  inLongerTiers(() => {
    it('with --no-resume', async () => {
      const server = await sshdForTest();
      const source = await sourceForTest(SIZE);
      const { port } = await cutOff(server, source, 0.5);
      const run = await mtputJson([source.path], { server, port, path: NAME }, [...several, '--no-resume']);
      await expectArrived(run, server, NAME, source);
      expect(eventsOf(run, 'result')[0]).toMatchObject({ bytesResumed: 0, bytesSent: SIZE });
    });
  });
});
