/** A run of small files, over a remote in memory: up to it, or down from it. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { Download } from '../../../../src/engine/download/download.ts';
import type { TransferEvent } from '../../../../src/engine/events.ts';
import { findSources } from '../../../../src/engine/local/local-files.ts';
import { Counters } from '../../../../src/engine/runner/counters.ts';
import { LocalRunner } from '../../../../src/engine/runner/local-runner.ts';
import type { TransferOptions, TransferOutcome } from '../../../../src/engine/transfer/transfer-options.ts';
import { TransferRun } from '../../../../src/engine/transfer/transfer-run.ts';
import { Upload } from '../../../../src/engine/upload/upload.ts';
import { DIGEST_METHODS } from '../../../../src/remotes/sftp/digests/open-digester.ts';
import { tempDirForTest } from '../../../support/for-one-test.ts';
import { type MemoryFaults, MemoryRemote } from '../../../support/memory-remote.ts';
import { COPY_ALL } from '../../../support/tree-options.ts';
import { contents } from '../../../support/upload-scene.ts';

export type Way = 'upload' | 'download';

export interface SmallCopyScene {
  readonly remote: MemoryRemote;
  /** The path of a file on this side. */
  readonly local: (name: string) => string;
  readonly events: TransferEvent[];
  readonly stop: AbortController;
  readonly run: (options?: Partial<TransferOptions>) => Promise<TransferOutcome>;
  /** What is at the target under this name. */
  readonly arrived: (name: string) => Promise<Buffer | undefined>;
  /** All files but these have arrived, and nothing else is there. */
  readonly expectArrived: (but?: readonly number[]) => Promise<void>;
  readonly namesAtTarget: () => Promise<string[]>;
}

/** Files `0`, `1`, ... of these sizes are copied, as a whole. */
export async function smallCopyScene(
  way: Way,
  sizes: readonly number[],
  faults: Partial<MemoryFaults> = {},
): Promise<SmallCopyScene> {
  const dir = await tempDirForTest();
  const remote = new MemoryRemote(faults);
  const local = (name: string): string => dir.file('tree', name);
  await mkdir(dir.file('tree'));
  remote.directories.add('/home/tree');
  for (const [index, size] of sizes.entries()) {
    if (way === 'upload') await writeFile(local(`${index}`), contents(size, index));
    else remote.put(`/home/tree/${index}`, contents(size, index));
  }
  const events: TransferEvent[] = [];
  const stop = new AbortController();
  const run = (options: Partial<TransferOptions> = {}): Promise<TransferOutcome> =>
    runOf(way, dir.file('tree'), { remote, events, stop, options });
  const arrived = async (name: string): Promise<Buffer | undefined> =>
    way === 'upload' ? remote.contents(`/home/tree/${name}`) : await readFile(local(name)).catch(() => undefined);
  const expectArrived = async (but: readonly number[] = []): Promise<void> => {
    const names = sizes.flatMap((_, index) => (but.includes(index) ? [] : [`${index}`]));
    for (const name of names)
      expect((await arrived(name))?.equals(contents(sizes[Number(name)]!, Number(name)))).toBe(true);
    expect((await namesAtTarget()).sort()).toEqual([...names].sort());
  };
  const namesAtTarget = async (): Promise<string[]> =>
    way === 'upload'
      ? [...remote.files.keys()].map((path) => path.slice('/home/tree/'.length))
      : await readdir(dir.file('tree'));
  return { remote, local, events, stop, run, arrived, expectArrived, namesAtTarget };
}

async function runOf(
  way: Way,
  tree: string,
  {
    remote,
    events,
    stop,
    options,
  }: { remote: MemoryRemote; events: TransferEvent[]; stop: AbortController; options: Partial<TransferOptions> },
): Promise<TransferOutcome> {
  const all: TransferOptions = {
    pieceSize: 'auto',
    verify: 'auto',
    digests: { methods: DIGEST_METHODS, algorithm: 'auto' },
    dryRun: false,
    wanted: 2,
    maxStartups: 8,
    connectIntervalMs: 0,
    retryForMs: 2000,
    ...options,
  };
  const shared = { inplace: false, preserve: true, trees: COPY_ALL };
  const direction =
    way === 'upload'
      ? new Upload(await findSources([Buffer.from(`${tree}/.`)]), { ...shared, destination: Buffer.from('tree') })
      : new Download({ ...shared, sources: [Buffer.from('tree/.')], destination: Buffer.from(tree) });
  const counters = new Counters();
  const observer = (event: TransferEvent): void => void events.push(structuredClone(event));
  // The types of the two directions differ.
  const run =
    direction instanceof Upload
      ? new TransferRun(new LocalRunner(remote, counters), counters, direction, all, observer)
      : new TransferRun(new LocalRunner(remote, counters), counters, direction, all, observer);
  const outcome = await run.run(stop.signal);
  expect([remote.open, remote.holders, remote.readers], 'nothing is left open').toEqual([[], 0, 0]);
  return outcome;
}
