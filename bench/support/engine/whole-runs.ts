/**
 * Whole runs: the connections, the jobs of the files and everything between them, without bytes or with few of them.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Counters } from '../../../src/engine/runner/counters.ts';
import { LocalRunner } from '../../../src/engine/runner/local-runner.ts';
import type { TransferOptions } from '../../../src/engine/transfer/transfer-options.ts';
import { TransferRun } from '../../../src/engine/transfer/transfer-run.ts';
import { Upload } from '../../../src/engine/upload/upload.ts';

import { MemoryRunner } from '../../../test/support/memory-runner.ts';
import { withTempDir } from '../../../test/support/temp-dir.ts';
import { COPY_ALL } from '../../../test/support/tree-options.ts';
import { GeneratedCopy } from './generated-copy.ts';
import { UnkeptBytes } from './unkept-bytes.ts';

export const OPTIONS: TransferOptions = {
  pieceSize: 'auto',
  verify: 'read-back',
  digests: { methods: [], algorithm: 'auto' },
  dryRun: false,
  wanted: 10,
  maxStartups: 8,
  connectIntervalMs: 0,
  retryForMs: 60_000,
};

/** Copies files from nowhere to nowhere. */
export async function copyGenerated(size: number, count: number, connections: number): Promise<void> {
  const counters = new Counters();
  const runner = new MemoryRunner(counters, () => {});
  const run = new TransferRun(
    runner,
    counters,
    new GeneratedCopy(size, count),
    { ...OPTIONS, wanted: connections },
    () => {},
  );
  const { filesDone, error } = await run.run(new AbortController().signal);
  if (filesDone !== count) throw error ?? new Error(`Only ${filesDone} files were copied`);
}

/** Uploads one local file under many names to a server in memory. */
export function uploadToMemory(size: number, count: number, connections: number): Promise<void> {
  return withTempDir(async ({ path: directory }) => {
    const path = Buffer.from(join(directory, 'source'));
    await writeFile(path, Buffer.alloc(size, 1));
    const files = Array.from({ length: count }, (_, file) => {
      const attributes = { kind: 'file', size } as const;
      return { path, name: Buffer.from(String(file)), size, isStream: false, attributes };
    });
    const counters = new Counters();
    const options = {
      ...OPTIONS,
      destination: Buffer.from('/home/'),
      verify: 'size' as const,
      inplace: false,
      preserve: true,
      trees: COPY_ALL,
      wanted: connections,
    };
    const runner = new LocalRunner(new UnkeptBytes(size), counters);
    const upload = new Upload({ files, directories: [], failures: [] }, options);
    const run = new TransferRun(runner, counters, upload, options, () => {});
    const { filesDone, error } = await run.run(new AbortController().signal);
    if (filesDone !== count) throw error ?? new Error(`Only ${filesDone} files were uploaded`);
  }, 'engine');
}
