/** An upload to a remote in memory, without a server and without a network. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { TransferEvent } from '../../src/engine/events.ts';
import { findSources } from '../../src/engine/local/local-files.ts';
import { Counters } from '../../src/engine/runner/counters.ts';
import { LocalRunner } from '../../src/engine/runner/local-runner.ts';
import type { RunnerReport } from '../../src/engine/runner/piece-runner.ts';
import type { TransferOptions, TransferOutcome } from '../../src/engine/transfer/transfer-options.ts';
import { TransferRun } from '../../src/engine/transfer/transfer-run.ts';
import { Upload } from '../../src/engine/upload/upload.ts';
import type { UploadOptions } from '../../src/engine/upload/upload-options.ts';
import { DIGEST_METHODS } from '../../src/remotes/sftp/digests/open-digester.ts';
import { type MemoryFaults, MemoryRemote, stagedName } from './memory-remote.ts';
import { makeTempDir } from './temp-dir.ts';
import { COPY_ALL } from './tree-options.ts';

const KIB = 1024;

/** Bytes that differ from place to place, the same in every run. */
export function contents(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = seed + 1;
  for (let i = 0; i + 4 <= size; i += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes.writeUInt32LE(state, i);
  }
  return bytes;
}

export type WhenOpen = (tell: (report: RunnerReport) => void) => void;

/** What a run and the direction of uploads are told. */
export type UploadSettings = TransferOptions & UploadOptions;

export interface UploadScene {
  readonly remote: MemoryRemote;
  readonly dir: string;
  readonly sources: string[];
  readonly events: TransferEvent[];
  readonly stop: AbortController;
  /** `whenOpen`: called once all three connections are open, with a way to report something as a runner. */
  run(options?: Partial<UploadSettings>, whenOpen?: WhenOpen): Promise<TransferOutcome>;
}

/** Files `0`, `1`, ... of these sizes in a directory; undefined: missing. */
export async function uploadScene(
  sizes: readonly (number | undefined)[],
  faults: Partial<MemoryFaults> = {},
): Promise<UploadScene> {
  const temp = await makeTempDir('upload');
  onTestFinished(temp.remove);
  const remote = new MemoryRemote(faults);
  const sources = sizes.map((_, i) => join(temp.path, String(i)));
  await Promise.all(sizes.map((size, i) => size !== undefined && writeFile(sources[i]!, contents(size, i))));
  const events: TransferEvent[] = [];
  const stop = new AbortController();
  const run = async (options: Partial<UploadSettings> = {}, whenOpen?: WhenOpen) => {
    const counters = new Counters();
    const found = await findSources(sources.map((path) => Buffer.from(path)));
    const all: UploadSettings = {
      destination: Buffer.alloc(0),
      pieceSize: 64 * KIB,
      verify: 'size',
      digests: { methods: DIGEST_METHODS, algorithm: 'auto' },
      inplace: false,
      preserve: true,
      trees: COPY_ALL,
      dryRun: false,
      wanted: 3,
      maxStartups: 8,
      connectIntervalMs: 0,
      retryForMs: 2000,
      ...options,
    };
    const runner = new LocalRunner(remote, counters);
    if (whenOpen !== undefined) callWhenOpen(runner, whenOpen);
    const upload = new TransferRun(runner, counters, new Upload(found, all), all, (event) => {
      events.push(structuredClone(event));
    });
    const outcome = await upload.run(stop.signal);
    expect(remote.open, 'nothing is left open').toEqual([]);
    expect(upload.services.scheduler.tasks(), 'nothing is left under way').toEqual([]);
    return outcome;
  };
  return { remote, dir: temp.path, sources, events, stop, run };
}

function callWhenOpen(runner: LocalRunner, whenOpen: WhenOpen): void {
  const listen = runner.onReport.bind(runner);
  let open = 0;
  runner.onReport = (listener) =>
    listen((report) => {
      listener(report);
      if (report.kind === 'opened' && ++open === 3) whenOpen(listener);
    });
}

export function expectArrived({ remote }: UploadScene, sizes: readonly (number | undefined)[]): void {
  sizes.forEach((size, i) => {
    const there = remote.contents(`/home/${i}`);
    if (size === undefined) expect(there).toBeUndefined();
    else expect(there?.equals(contents(size, i)), `file ${i}`).toBe(true);
    expect(remote.contents(stagedName(`/home/${i}`)), 'nothing staged is left').toBeUndefined();
  });
}

export function filesOf(events: readonly TransferEvent[]): Extract<TransferEvent, { type: 'file' }>[] {
  return events.flatMap((event) => (event.type === 'file' ? [event] : []));
}

/** Connections that came into this state, in order. */
export function connections(events: readonly TransferEvent[], state: string): number[] {
  return events.flatMap((event) => (event.type === 'connection' && event.state === state ? [event.connection] : []));
}

export function notices(events: readonly TransferEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'notice' ? [event.code] : []));
}
