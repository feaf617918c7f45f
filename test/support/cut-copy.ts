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
const SECONDS = byTier(3, 8);
export const CONNECTIONS: number = byTier(4, 8);
/** By so much the line is slower while a sync is waited for. */
const HELD_BACK = 20;

/** Of the file, in bytes. */
export const SIZE: number = byTier(16, 300) * MB;
/** Of each connection, in bytes per second, for a file of so many bytes. */
export function rateFor(size: number): number {
  return size / CONNECTIONS / SECONDS;
}

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
  /** Bytes towards the target that had passed at the cut. */
  readonly sent: number;
  /** So many of its connections are those of the run that was cut off. */
  readonly connections: number;
  /** Of those, bytes of the file that were acknowledged, as the run last told. */
  readonly acknowledged: number;
}

/** What of the numbers of the proxy is about the way to the target. */
function towardsTarget({ direction }: CopyScene): 'bytesUp' | 'bytesDown' {
  return direction === 'up' ? 'bytesUp' : 'bytesDown';
}

/**
 * Bytes towards the target: of the run that was cut off, with what was still on its way when it was, and of those that
 * came later.
 */
export async function sentOver({
  proxy,
  scene,
  sent,
  connections,
}: CutLine): Promise<{ first: number; later: number }> {
  const way = towardsTarget(scene);
  const { [way]: bytes, connections: all } = await proxy.stats();
  if (connections === 0) return { first: sent, later: bytes };
  const first = all.slice(0, connections).reduce((sum, { [way]: one }) => sum + one, 0);
  return { first, later: bytes - first };
}

function isKilled(kind: CutKind): boolean {
  return kind === 'the client is killed' || kind === 'the client loses its power';
}

/**
 * Where cuts come, as shares of the file: late enough that something is durable by then, and not at the last moment.
 */
export function cutMoments(seed: number): number[] {
  const next = seeded(seed);
  const [first, last] = byTier([0.55, 0.8], [0.4, 0.95]);
  return Array.from({ length: CUTS }, () => first + (last - first) * next());
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
  const bytesPerSecond = rateFor(source.size);
  const proxy = await proxyForTest(server, { bytesPerSecond });
  const retrying = isKilled(kind) ? [] : ['--retry-for', '1'];
  const run = await scene.start(['-n', String(CONNECTIONS), ...args, ...retrying], proxy.port);
  const way = towardsTarget(scene);
  const moment = async (): Promise<boolean> => (await proxy.stats())[way] > share * source.size;
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
    const { [way]: sent, accepted } = await proxy.stats();
    return { proxy, scene, sent, connections: accepted, acknowledged };
  }
  if (kind === 'the server dies') await server.killSessions();
  const sent = (await proxy.stats())[way];
  await proxy.stop();
  const ended = await run.end();
  expect(ended.code).toBe(5);
  const acknowledged = eventsOf(ended, 'result')[0]!.bytesSent;
  const unlimited = await proxyForTest(server, { bytesPerSecond: 1000 * MB, port: proxy.port });
  return { proxy: unlimited, scene, sent, connections: 0, acknowledged };
}

/** The journal is synced as it is appended to: at the worst its last lines were not, and half of one. */
async function dropUnsynced(journal: string): Promise<void> {
  const text = await readFile(journal, 'utf8');
  await truncate(journal, text.lastIndexOf('\n', text.length - 2) - 40);
}
