/** A tree whose copy is interrupted again and again, and then run until it ends. */
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { Direction } from './directions.ts';
import { tempDirForTest } from './for-one-test.ts';
import { type LiveRun, startLiveDownload, startLiveRun } from './live-run.ts';
import { makeTree, type TreePlan } from './make-tree.ts';
import { eventsOf } from './mtput.ts';
import { PARTIAL_NAME } from './partials.ts';
import { seeded } from './seeded.ts';
import type { TestServer } from './test-server.ts';
import { asCopied, bytesPath, leavingOut, letRemove, readTree } from './tree.ts';
import { ownerOf } from './tree-place.ts';

const INTERRUPTIONS = ['SIGKILL', 'SIGINT', 'its connections are cut'] as const;

type Interruption = (typeof INTERRUPTIONS)[number];

export interface TreeSize {
  readonly largeFiles: number;
  readonly largeBytes: number;
  readonly smallFiles: number;
}

/** Some of all modes, in directories of which some may not be written. Small files have 0 to 64 KiB. */
export function planOf({ largeFiles, largeBytes, smallFiles }: TreeSize): TreePlan {
  const next = seeded(14);
  const plan: Record<string, TreePlan[string]> = { 'empty/': {}, 'shut/': { mode: 0o555, mtime: 1_200_000_000 } };
  for (let i = 0; i < largeFiles; i++) {
    plan[`${i % 2 === 0 ? 'shut' : 'large'}/large-${i}`] = { size: largeBytes, mode: 0o640, mtime: 1_300_000_000 + i };
  }
  for (let i = 0; i < smallFiles; i++) {
    const directory = `d${i % 13}/${i % 5 === 0 ? 'caf\xe9' : 'sub'}`;
    const size = Math.floor(65_536 * next() ** 3);
    plan[`${directory}/small ${i}`] = { size, mode: i % 3 === 0 ? 0o444 : 0o644, mtime: 1_400_000_000 + i };
  }
  return plan;
}

export interface InterruptedTree {
  readonly source: string;
  readonly target: string;
  readonly bytes: number;
  /** Starts the command; each time the same. */
  start(...more: readonly string[]): Promise<LiveRun>;
}

/** To be called while a test runs. */
export async function interruptedTree(
  direction: Direction,
  server: TestServer,
  size: TreeSize,
): Promise<InterruptedTree> {
  const dir = await tempDirForTest();
  const there = join(server.home, 'tree');
  const [source, target] = direction === 'up' ? [dir.file('tree'), there] : [there, dir.file('tree')];
  await makeTree(source, planOf(size), direction === 'down' ? await ownerOf(server.home) : undefined);
  onTestFinished(async () => {
    await letRemove(source);
    await letRemove(target);
  });
  const tree = await readTree(source);
  return {
    source,
    target,
    bytes: Object.values(tree).reduce((sum, { size: bytes = 0 }) => sum + bytes, 0),
    start: (...more) =>
      direction === 'up'
        ? startLiveRun([`${source}/.`], { server, path: 'tree' }, more)
        : startLiveDownload({ server, paths: ['tree/.'] }, target, more),
  };
}

/** Where it is interrupted: shares of the bytes that the run itself has to copy. */
export function momentsOf(seed: number, count: number): number[] {
  const next = seeded(seed);
  return Array.from({ length: count }, () => (0.1 + 0.8 * next()) / count);
}

/** Runs until it has itself copied this share of the tree, or to its end, if that comes before. */
async function interrupt(
  { bytes, start }: InterruptedTree,
  server: TestServer,
  how: Interruption,
  share: number,
  more: readonly string[],
): Promise<void> {
  const run = await start(...more);
  const isFarEnough = ({ bytesDone, bytesResumed }: { readonly bytesDone: number; readonly bytesResumed: number }) =>
    bytesDone - bytesResumed > share * bytes;
  const hasEnded = () => run.events.at(-1)?.type === 'result';
  const wasReached = await run.event('progress', isFarEnough).then(
    () => !hasEnded(),
    (error: unknown) => {
      // What was left of the tree was less than this.
      if (hasEnded()) return false;
      throw error;
    },
  );
  if (wasReached && how === 'its connections are cut') await server.killSessions();
  else if (wasReached) run.kill(how as NodeJS.Signals);
  const { code, signal, stderr } = await run.end(120_000);
  // It may end in the same moment, or go on over other connections.
  const allowed = { SIGKILL: ['SIGKILL', 0], SIGINT: [130, 0], 'its connections are cut': [0, 1, 5] }[how];
  expect(allowed, stderr).toContain(signal ?? code);
}

/** Interrupts it at these moments, in turn in each way; then it is run until it ends with 0, and is whole. */
export async function expectRecovers(
  tree: InterruptedTree,
  server: TestServer,
  moments: readonly number[],
  more: readonly string[],
): Promise<void> {
  for (const [i, share] of moments.entries()) {
    await interrupt(tree, server, INTERRUPTIONS[i % INTERRUPTIONS.length]!, share, more);
  }
  const last = await (await tree.start()).end(300_000);
  expect(last.code, last.stderr).toBe(0);
  // Something was kept of what the others had sent.
  expect(eventsOf(last, 'result')[0]!.bytesSent).toBeLessThan(tree.bytes);
  await expectWhole(tree);
}

/**
 * Names, contents, modes and times are those of the source. What killed runs left of small files may be there for a
 * day; a run removes it then, and nothing else is there.
 */
async function expectWhole({ source, target, start }: InterruptedTree): Promise<void> {
  const isPartial = (path: string) => path.split('/').some((name) => PARTIAL_NAME.test(name));
  const expected = asCopied(await readTree(source));
  const there = await readTree(target);
  expect(leavingOut(there, isPartial)).toEqual(expected);
  const left = Object.keys(there).filter(isPartial);
  expect(left.filter((path) => /large-\d/.test(path))).toEqual([]);
  const longAgo = Date.now() / 1000 - 25 * 3600;
  for (const path of left.reverse()) await utimes(bytesPath(target, path), longAgo, longAgo);
  const run = await (await start()).end(120_000);
  expect(run.code, run.stderr).toBe(0);
  expect(eventsOf(run, 'result')[0]).toMatchObject({ bytesSent: 0 });
  expect(await readTree(target)).toEqual(expected);
}
