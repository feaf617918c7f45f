import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atExit } from './at-exit.ts';

export interface TempDir {
  readonly path: string;
  /** A path inside. */
  file(...names: string[]): string;
  remove(): Promise<void>;
}

/** Use with try/finally, or `onTestFinished(dir.remove)`. */
export async function makeTempDir(label = 'test'): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), `mt-copy-${label}-`));
  const forget = atExit(() => rmSync(path, { recursive: true, force: true }));
  return {
    path,
    file: (...names) => join(path, ...names),
    remove: async () => {
      // Servers that are just ending may still write a line: the retries cover that.
      await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
      forget();
    },
  };
}

export async function withTempDir<T>(action: (dir: TempDir) => Promise<T>, label?: string): Promise<T> {
  const dir = await makeTempDir(label);
  try {
    return await action(dir);
  } finally {
    await dir.remove();
  }
}
