/** The one place that builds a run of the engine for the random faults. */

import { Download } from '../../../src/engine/download/download.ts';
import type { TransferEvent } from '../../../src/engine/events.ts';
import { findSources } from '../../../src/engine/local/local-files.ts';
import type { JournalStore } from '../../../src/engine/resume/file-journal.ts';
import { Counters } from '../../../src/engine/runner/counters.ts';
import { LocalRunner } from '../../../src/engine/runner/local-runner.ts';
import type { TransferOptions, TransferOutcome } from '../../../src/engine/transfer/transfer-options.ts';
import { TransferRun } from '../../../src/engine/transfer/transfer-run.ts';
import type { Verify } from '../../../src/engine/transfer/verify.ts';
import { Upload } from '../../../src/engine/upload/upload.ts';
import type { UploadOptions } from '../../../src/engine/upload/upload-options.ts';
import type { Remote } from '../../../src/remotes/remote.ts';
import { COPY_ALL } from '../tree-options.ts';

export const PIECE_SIZE: number = 64 * 1024;
/** How long a run goes on without progress. */
export const RETRY_FOR_MS: number = 60_000;

export interface RunSettings {
  readonly remote: Remote;
  /** A local path, and one on the server; of a download the other way round. */
  readonly source: string;
  readonly target: string;
  readonly direction?: 'up' | 'down';
  readonly inplace?: boolean;
  readonly journals: JournalStore;
  readonly connections: number;
  readonly verify: Verify;
}

export type RunOutcome = TransferOutcome;

export async function startRun(
  { remote, source, target, direction = 'up', inplace = false, journals, connections, verify }: RunSettings,
  signal: AbortSignal,
  onEvent: (event: TransferEvent) => void,
): Promise<RunOutcome> {
  const counters = new Counters();
  const options: TransferOptions & UploadOptions = {
    destination: Buffer.from(target),
    pieceSize: PIECE_SIZE,
    verify,
    digests: { methods: remote.digestMethods, algorithm: 'auto' },
    inplace,
    preserve: true,
    trees: COPY_ALL,
    dryRun: false,
    wanted: connections,
    maxStartups: 8,
    connectIntervalMs: 0,
    retryForMs: RETRY_FOR_MS,
    journals,
  };
  const runner = new LocalRunner(remote, counters);
  if (direction === 'down') {
    const download = new Download({ ...options, sources: [Buffer.from(source)] });
    return new TransferRun(runner, counters, download, options, onEvent).run(signal);
  }
  const sources = await findSources([Buffer.from(source)]);
  return new TransferRun(runner, counters, new Upload(sources, options), options, onEvent).run(signal);
}
