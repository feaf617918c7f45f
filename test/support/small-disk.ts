import { spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { atExit } from './at-exit.ts';
import { run } from './process.ts';

export interface SmallDisk {
  unmount(): void;
}

/**
 * A file system of `bytes` at `path`, anybody's to write; what mount says where it may not be made. `more`: further mount
 * options.
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
  return {
    unmount() {
      detach();
      forget();
    },
  };
}
