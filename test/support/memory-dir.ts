import { accessSync, chmodSync, constants, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where Linux has a file system in memory; elsewhere there is none. */
const IN_MEMORY = '/dev/shm';
/** Several times what the quick tests that run at once have there. */
const ROOM = 2 * 1024 ** 3;

/** A directory in memory for temporary files, if there is one with room in which programs may be run, as tests do. */
export function memoryDirectory(): string | undefined {
  let work: string | undefined;
  try {
    const { bavail, bsize } = statfsSync(IN_MEMORY);
    if (bavail * bsize < ROOM) return undefined;
    work = mkdtempSync(join(IN_MEMORY, 'mt-copy-'));
    const program = join(work, 'program');
    writeFileSync(program, '');
    chmodSync(program, 0o755);
    accessSync(program, constants.X_OK);
    return IN_MEMORY;
  } catch {
    return undefined;
  } finally {
    if (work !== undefined) rmSync(work, { recursive: true });
  }
}
