// Programs that benches run beside ours and that are no part of OpenSSH.
import { existsSync } from 'node:fs';
import { cleanEnvironment } from '../../test/support/mtput.ts';
import { run } from '../../test/support/process.ts';
import { withTempDir } from '../../test/support/temp-dir.ts';
import programs from './rival-programs.json' with { type: 'json' };

export type RivalName = keyof typeof programs;

const VERSION_ARGUMENTS: Record<RivalName, readonly string[]> = {
  lftp: ['--version'],
  rclone: ['version'],
  openssl: ['version'],
  rsync: ['--version'],
};

export function rivalPath(name: RivalName): string | undefined {
  return programs[name].paths.find((path) => existsSync(path));
}

/** Why the program cannot be run here; nothing when it can. */
export function missingRival(name: RivalName): string | undefined {
  if (rivalPath(name) !== undefined) return undefined;
  return `${name} is not installed (Debian: ${programs[name].debianPackage})`;
}

export async function rivalVersion(name: RivalName): Promise<string> {
  const path = rivalPath(name);
  if (path === undefined) return 'not installed';
  // Even to say their version they look for settings, or make a directory for them.
  return withTempDir(async (dir) => {
    const { stdout } = await run(path, VERSION_ARGUMENTS[name], { env: cleanEnvironment(dir.path) });
    return /\d+\.\d+[^\s|]*/.exec(stdout)?.[0] ?? 'unknown';
  }, 'bench');
}
