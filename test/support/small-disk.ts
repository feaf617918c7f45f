import { spawnSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { atExit } from './at-exit.ts';
import { run } from './process.ts';

const MIB = 1024 * 1024;

export interface SmallDisk {
  /** Bytes that are free. */
  free(): number;
  /** Takes room by a file of its own until so much is left. */
  leave(bytes: number): Promise<void>;
  /** Removes that file. */
  makeRoom(): Promise<void>;
  unmount(): void;
}

/**
 * A file system of `bytes` at `path`, anybody's to write; what mount says where it may not be made. `more`: further
 * mount options.
 */
export async function mountSmallDisk(
  path: string,
  bytes: number,
  more: readonly string[] = [],
): Promise<SmallDisk | string> {
  await mkdir(path, { recursive: true });
  const options = [`size=${bytes}`, 'mode=1777', ...more].join(',');
  const { code, stderr } = await run('mount', ['-t', 'tmpfs', '-o', options, 'mt-copy-test', path]);
  if (code !== 0) return stderr.trim();
  const detach = () => void spawnSync('umount', ['-l', path]);
  const forget = atExit(detach);
  const filler = join(path, 'filler');
  const free = (): number => {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  };
  return {
    free,
    async leave(left) {
      const file = await open(filler, 'a');
      try {
        while (free() > left) await file.write(Buffer.alloc(Math.min(MIB, free() - left), 1));
      } finally {
        await file.close();
      }
    },
    makeRoom: () => rm(filler),
    unmount() {
      detach();
      forget();
    },
  };
}
