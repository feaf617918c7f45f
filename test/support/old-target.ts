import { readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { expect } from 'vitest';

export interface OldTarget {
  /** Fails unless it is still the same file with the same content and time. */
  expectUntouched(): Promise<void>;
}

/** A file that stands where an upload wants to go, and has done so for long. */
export async function standOldTarget(path: string, content = 'the only copy\n'): Promise<OldTarget> {
  await writeFile(path, content);
  await utimes(path, 1_000_000_000, 1_000_000_000);
  const before = await stat(path);
  return {
    async expectUntouched() {
      const { ino, mtimeMs, mode, uid } = await stat(path);
      expect(await readFile(path, 'utf8')).toBe(content);
      expect({ ino, mtimeMs, mode, uid }).toEqual({
        ino: before.ino,
        mtimeMs: before.mtimeMs,
        mode: before.mode,
        uid: before.uid,
      });
    },
  };
}
