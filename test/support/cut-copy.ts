/** Copies that are cut off in one of the ways in which real ones are. */
import { readdir, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { readJournal } from '../../src/engine/resume/read-journal.ts';
import { RangeSet } from '../../src/util/range-set.ts';
import { type CopyScene, NAME, uploadScene } from './copy-scene.ts';
import { proxyForTest, type SourceForTest } from './for-one-test.ts';
import { eventsOf } from './mtput.ts';
import { partialOf } from './partials.ts';
import type { RunningProxy } from './proxy.ts';
import { seeded } from './seeded.ts';
import type { TestServer } from './test-server.ts';
import { byTier } from './tier.ts';
import { waitFor } from './wait-for.ts';

const MB = 1_000_000;
/** How long the whole would take. */
const SECONDS = byTier(5, 8);
const CONNECTIONS = 8;
/** By so much the line is slower while a sync is waited for. */
const HELD_BACK = 20;

/** Of the file, in bytes. */
export const SIZE: number = byTier(50, 300) * MB;
/** Moments at which it is cut off, for each way. */
export const CUTS: number = byTier(1, 10);

export const CUT_KINDS = [
  'the client is killed',
  'the client loses its power',
  'all connections are reset',
  'the server dies',
] as const;

export type CutKind = (typeof CUT_KINDS)[number];

export interface CutPlan {
  readonly scene: CopyScene;
  /** Further arguments for the program. */
  readonly args: readonly string[];
  /** When so much of the file has passed, 0 to 1. */
  readonly share: number;
  /** And so much of it is on the disk of the target by the journal, 0 to 1. Default: 0. */
  readonly durableShare?: number;
}

/** What a run that was cut off has left, by their paths, becomes something else. */
export type Change = readonly [
  what: string,
  change: (left: { readonly source: string; readonly partial: string; readonly journal: string }) => Promise<void>,
];

/** The line it went by, then without its limits. */
export interface CutLine {
  readonly proxy: RunningProxy;
  readonly scene: CopyScene;
  /** Bytes towards the target that passed. */
  readonly sent: number;
  /** Of those, bytes of the file that were acknowledged, as the run last told. */
  readonly acknowledged: number;
}

/** Bytes towards the target that have passed. */
async function passed({ direction }: CopyScene, proxy: RunningProxy): Promise<number> {
  const { bytesUp, bytesDown } = await proxy.stats();
  return direction === 'up' ? bytesUp : bytesDown;
}

/** Bytes towards the target that have passed since the cut. */
export async function sentSince({ proxy, scene, sent }: CutLine, kind: CutKind): Promise<number> {
  const bytes = await passed(scene, proxy);
  return isKilled(kind) ? bytes - sent : bytes;
}

function isKilled(kind: CutKind): boolean {
  return kind === 'the client is killed' || kind === 'the client loses its power';
}

/** Where cuts come, as shares of the file: late enough that something is durable by then. */
export function cutMoments(seed: number): number[] {
  const next = seeded(seed);
  const first = byTier(0.55, 0.4);
  return Array.from({ length: CUTS }, () => first + (0.95 - first) * next());
}

/** What was left of the target in its directory; there must be one. */
export function leftOver(directory: string): Promise<string> {
  return partialOf(directory, NAME);
}

export async function journalOf(server: TestServer): Promise<string> {
  const dir = join(server.dir, 'state/mt-copy-tools');
  const [name, ...others] = (await readdir(dir)).filter((one) => one.endsWith('.journal'));
  expect(others).toEqual([]);
  return join(dir, name!);
}

/** What is on the disk of the target, by the journal. */
export async function durableIn(journal: string): Promise<RangeSet> {
  const known = (await readJournal(journal))?.content.pieces.list() ?? [];
  return new RangeSet(known.filter(({ state }) => state !== 'acknowledged'));
}

/** An upload that comes to its end when so much of the file has passed. */
export function cutUpload(
  kind: CutKind,
  { server, source, ...plan }: Omit<CutPlan, 'scene'> & { readonly server: TestServer; readonly source: SourceForTest },
): Promise<CutLine> {
  return cutCopy(kind, { ...plan, scene: uploadScene(server, source) });
}

/** A run that comes to its end when so much of the file has passed. */
export async function cutCopy(kind: CutKind, plan: CutPlan): Promise<CutLine> {
  const { scene, args, share, durableShare = 0 } = plan;
  const { server, source } = scene;
  const bytesPerSecond = source.size / CONNECTIONS / SECONDS;
  const proxy = await proxyForTest(server, { bytesPerSecond });
  const retrying = isKilled(kind) ? [] : ['--retry-for', '1'];
  const run = await scene.start(['-n', String(CONNECTIONS), ...args, ...retrying], proxy.port);
  const moment = async (): Promise<boolean> => (await passed(scene, proxy)) > share * source.size;
  await waitFor(moment, { what: 'the moment', timeoutMs: 60_000 });
  if (durableShare > 0) {
    // However long a sync takes, the file does not come to its end meanwhile.
    await proxy.reshape('all', { bytesPerSecond: bytesPerSecond / HELD_BACK });
    const isDurable = async () => (await durableIn(await journalOf(server))).total > durableShare * source.size;
    await waitFor(isDurable, { what: 'enough that is durable', timeoutMs: 60_000 });
  }
  if (isKilled(kind)) {
    run.kill('SIGKILL');
    const acknowledged = eventsOf(await run.end(), 'progress').at(-1)?.bytesDone ?? 0;
    if (kind === 'the client loses its power') await dropUnsynced(await journalOf(server));
    await proxy.reshape('all', { bytesPerSecond: 1000 * MB });
    return { proxy, scene, sent: await passed(scene, proxy), acknowledged };
  }
  if (kind === 'the server dies') await server.killSessions();
  const sent = await passed(scene, proxy);
  await proxy.stop();
  const ended = await run.end();
  expect(ended.code).toBe(5);
  const acknowledged = eventsOf(ended, 'result')[0]!.bytesSent;
  const unlimited = await proxyForTest(server, { bytesPerSecond: 1000 * MB, port: proxy.port });
  return { proxy: unlimited, scene, sent, acknowledged };
}

/** The journal is synced as it is appended to: at the worst its last lines were not, and half of one. */
async function dropUnsynced(journal: string): Promise<void> {
  const text = await readFile(journal, 'utf8');
  await truncate(journal, text.lastIndexOf('\n', text.length - 2) - 40);
}
