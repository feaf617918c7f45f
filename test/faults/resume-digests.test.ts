/** Cut off and run again: the server is asked for what it has, and only what is missing or wrong travels. */
import { appendFile, mkdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CopyScene, NAME, sceneForTest } from '../support/copy-scene.ts';
import {
  type Change,
  CONNECTIONS,
  CUT_KINDS,
  type CutKind,
  cutCopy,
  cutMoments,
  cutUpload,
  journalOf,
  leftOver,
  rateFor,
  SIZE,
  sentOver,
} from '../support/cut-copy.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import type { Direction } from '../support/directions.ts';
import { expectArrived, expectArrivedIn } from '../support/expect-arrived.ts';
import { recordFigure } from '../support/figures.ts';
import { flipBitUnseen } from '../support/flip-bit.ts';
import { proftpdForTest, proxyForTest, sourceForTest, sshdForTest, tempDirForTest } from '../support/for-one-test.ts';
import { installHelper, installOriginal } from '../support/helper-program.ts';
import { startLiveRun } from '../support/live-run.ts';
import { eventsOf, mtputJson } from '../support/mtput.ts';
import { sha256Of } from '../support/random-file.ts';
import { seeded } from '../support/seeded.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

const MB = 1_000_000;
/** Of one test: a helper of which the server starts some processes for each range takes a slow machine long. */
const TIMEOUT_MS = 240_000;
/** What begun pieces are compared by. */
const CELL = 64 * 1024;
/** Of files that are damaged: as much is sent again for one bit, or less. */
const SMALL_PIECE = 1024 * 1024;

/** A server on whose PATH a helper is put. */
async function withHelper(install: (dir: string) => Promise<string>): Promise<TestServer> {
  const bin = (await tempDirForTest()).file('bin');
  await mkdir(bin);
  await install(bin);
  return sshdForTest({ config: [`SetEnv PATH=${bin}:${dirname(process.execPath)}:/usr/bin:/bin`] });
}

interface Provider {
  readonly name: string;
  readonly start: () => Promise<TestServer>;
  readonly method: string;
  /** At most so many cases of a kind in the longer tiers; undefined: all. */
  readonly cuts?: number;
}

const PROVIDERS: readonly Provider[] = [
  { name: 'check-file', method: 'check-file', start: () => proftpdForTest() },
  { name: 'our helper', method: 'helper', start: () => withHelper(installHelper) },
  // It is slow, and what is done with its answers is what is done with those of ours.
  { name: 'the first helper', method: 'helper', start: () => withHelper(installOriginal), cuts: 2 },
  { name: 'the shell', method: 'shell', start: () => sshdForTest() },
];

/**
 * What may travel twice beside what was in flight: of each connection a begun cell of 64 KiB, and one in a hundred of
 * the file, for SSH, handshakes and questions.
 */
const MARGIN = CONNECTIONS * CELL + 0.01 * SIZE;
const several = ['-n', String(CONNECTIONS)];

/** What becomes of what the run left. */
const FATES = ['nothing happens to it', 'the journal is gone', 'the partial file is damaged'] as const;
type Fate = (typeof FATES)[number];
const DAMAGED_BITS = 3;

interface Case {
  readonly direction: Direction;
  readonly kind: CutKind;
  readonly share: number;
  readonly fate: Fate;
}

function titleOf({ direction, kind, share, fate }: Case): string {
  return `${direction}: ${kind} at ${share.toFixed(4)} of the file, and ${fate}`;
}

/**
 * In the quick tier two providers have one case for each direction, but for an upload after which nothing happens: that
 * is cut off more than once below.
 */
const QUICK_CASES: Readonly<Record<number, readonly Case[]>> = {
  0: [{ direction: 'down', kind: 'all connections are reset', share: 0.83, fate: 'the partial file is damaged' }],
  3: [
    { direction: 'up', kind: 'the server dies', share: 0.74, fate: 'the partial file is damaged' },
    { direction: 'down', kind: 'the client is killed', share: 0.58, fate: 'the journal is gone' },
  ],
};
/** Downloads share most of their code with uploads, and so have fewer in the longer tiers. */
const DOWNLOAD_KINDS: readonly CutKind[] = ['the client is killed', 'all connections are reset'];
const DOWNLOAD_CUTS = 5;

function allCasesOf(index: number): Case[] {
  const { cuts = Number.POSITIVE_INFINITY } = PROVIDERS[index]!;
  const up = CUT_KINDS.flatMap((kind, at) => seededCases('up', kind, 10 * index + at).slice(0, cuts));
  const down = DOWNLOAD_KINDS.flatMap((kind, at) =>
    seededCases('down', kind, 100 + 10 * index + at).slice(0, Math.min(cuts, DOWNLOAD_CUTS)),
  );
  return [...up, ...down];
}

function seededCases(direction: Direction, kind: CutKind, seed: number): Case[] {
  return cutMoments(seed).map((share, cut) => ({ direction, kind, share, fate: FATES[(seed + cut) % FATES.length]! }));
}

/** Returns how many bytes have to travel again because of it. */
async function befall(fate: Fate, scene: CopyScene, share: number): Promise<number> {
  if (fate === 'the journal is gone') await rm(await journalOf(scene.server));
  if (fate !== 'the partial file is damaged') return 0;
  const partial = await leftOver(scene.directory);
  const next = seeded(Math.round(share * 1e6));
  for (let bit = 0; bit < DAMAGED_BITS; bit++) await flipBitUnseen(partial, Math.floor(next() * share * SIZE));
  return DAMAGED_BITS * SMALL_PIECE;
}

describeWithServers(['sshd', 'proftpd'], 'a copy that is run again where the server can hash', () => {
  describe.each(
    PROVIDERS.map((provider, index) => ({
      ...provider,
      cases: byTier(QUICK_CASES[index] ?? [], allCasesOf(index)),
    })).filter(({ cases }) => cases.length > 0),
  )('by $name', ({ start, method, cases }) => {
    it.for(cases.map((one) => [titleOf(one), one] as const))(
      '%s',
      { timeout: TIMEOUT_MS },
      async ([, cut], { task }) => {
        const { direction, kind, share, fate } = cut;
        const server = await start();
        const scene = await sceneForTest(direction, server, SIZE);
        const isDamaged = fate === 'the partial file is damaged';
        const args = ['--digest-provider', method, ...(isDamaged ? ['-s', `${SMALL_PIECE}B`] : [])];
        const line = await cutCopy(kind, { scene, args, share });
        // What was on its way still gets written.
        await waitFor(() => server.sessionPids().length === 0, { what: 'the end of the old sessions' });
        const wrong = await befall(fate, scene, share);
        const run = await scene.run([...several, ...args, '--verify', 'hash'], line.proxy.port);
        await expectArrivedIn(run, scene.directory, NAME, scene.source);
        const { bytesSent, bytesResumed, verified } = eventsOf(run, 'result')[0]!;
        expect(bytesSent + bytesResumed).toBe(SIZE);
        expect(verified).toMatchObject({ byDigest: SIZE });
        const { first, later } = await sentOver(line);
        const excess = first + later - SIZE;
        const inFlight = first - line.acknowledged;
        recordFigure(task, 'bytes more than the file', excess - wrong);
        recordFigure(task, 'of which were in flight', inFlight);
        expect(excess).toBeLessThan(inFlight + wrong + MARGIN);
      },
    );
  });
});

describeWithServers(['sshd', 'proftpd'], 'an upload that is cut off more than once, or at its end', () => {
  it.each(byTier([PROVIDERS[3]!], PROVIDERS))(
    'goes on each time from where it was, by $name',
    async ({ start }) => {
      const server = await start();
      const source = await sourceForTest(SIZE);
      const first = { server, source, args: [], share: 0.4 };
      const { proxy, sent } = await cutUpload('the client is killed', first);
      await proxy.reshape('all', { bytesPerSecond: rateFor(SIZE) });
      const second = await startLiveRun([source.path], { server, port: proxy.port, path: NAME }, several);
      const moment = async (): Promise<boolean> => (await proxy.stats()).bytesUp > sent + 0.3 * SIZE;
      await waitFor(moment, { what: 'the second moment', timeoutMs: 60_000 });
      second.kill('SIGKILL');
      const told = eventsOf(await second.end(), 'progress').at(-1)!;
      await proxy.reshape('all', { bytesPerSecond: 1000 * MB });
      await waitFor(() => server.sessionPids().length === 0, { what: 'the end of the old sessions' });
      const run = await mtputJson([source.path], { server, port: proxy.port, path: NAME }, several);
      await expectArrived(run, server, NAME, source);
      const { bytesResumed } = eventsOf(run, 'result')[0]!;
      expect(bytesResumed, 'what the second had, the first included').toBeGreaterThan(told.bytesDone - MARGIN);
    },
    TIMEOUT_MS,
  );

  it.each(byTier([PROVIDERS[0]!], PROVIDERS))(
    'sends nothing when it was killed while it committed, by $name',
    async (provider) => {
      const server = await provider.start();
      const source = await sourceForTest(9 * MB);
      await writeFile(`${server.home}/${NAME}`, 'the old one');
      // The rename is some round trips away when the commit begins.
      const proxy = await proxyForTest(server, { delayMs: 100 });
      const to = { server, port: proxy.port, path: NAME };
      const cut = await startLiveRun([source.path], to, ['-n', '4']);
      await cut.event('file', ({ state }) => state === 'committing');
      cut.kill('SIGKILL');
      await cut.end();
      expect(await readFile(`${server.home}/${NAME}`, 'utf8')).toBe('the old one');
      await waitFor(() => server.sessionPids().length === 0, { what: 'the end of the old sessions' });
      await proxy.reshape('all', { delayMs: 0 });
      const run = await mtputJson([source.path], to, ['-n', '4']);
      await expectArrived(run, server, NAME, source);
      expect(eventsOf(run, 'result')[0]).toMatchObject({ bytesSent: 0, bytesResumed: source.size });
    },
  );
});

const CHANGES: readonly Change[] = [
  ['a bit of the source changed, its time put back', ({ source }) => flipBitUnseen(source, SIZE / 10)],
  ['the partial is longer than the source', ({ partial }) => truncate(partial, SIZE + 12_345)],
  ['the source became longer', ({ source }) => appendFile(source, 'more')],
  ['the partial was cut short', ({ partial }) => truncate(partial, SIZE / 5)],
  ['somebody touched the partial', ({ partial }) => utimes(partial, new Date(), new Date(Date.now() + 3_600_000))],
  ['the journal is torn in its header', ({ journal }) => truncate(journal, 100)],
];

describeWithServers(['sshd', 'proftpd'], 'what is still right of what an earlier run left is used', () => {
  it.each(byTier(CHANGES.slice(0, 1), CHANGES))('where %s', async (what, change) => {
    const server = await (what.includes('partial') ? proftpdForTest() : sshdForTest());
    const source = await sourceForTest(SIZE);
    await writeFile(`${server.home}/${NAME}`, 'the old one');
    const plan = { server, source, args: [], share: 0.6 };
    const { proxy } = await cutUpload('the client is killed', plan);
    await waitFor(() => server.sessionPids().length === 0, { what: 'the end of the old sessions' });
    await change({
      source: source.path,
      partial: await leftOver(server.home),
      journal: await journalOf(server),
    });
    expect(await readFile(`${server.home}/${NAME}`, 'utf8')).toBe('the old one');
    const run = await mtputJson([source.path], { server, port: proxy.port, path: NAME }, [
      ...several,
      '--verify',
      'hash',
    ]);
    await expectArrived(run, server, NAME, { sha256: await sha256Of(source.path) });
    expect(eventsOf(run, 'result')[0]!.bytesResumed).toBeGreaterThan(SIZE / 10);
  });
});
