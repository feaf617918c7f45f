/** Makes a directory and those above it. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorCode } from './system-error.ts';

/**
 * Does what `mkdir` with `recursive` does, in at most one attempt for each component and one more: where a file system
 * says that nothing can be made (ENOENT below /proc), Node's own one repeats the same two calls without end.
 *
 * @param mode of every directory that is made; those that exist keep theirs.
 * @throws what the file system says about the first directory that cannot be made.
 */
export async function makeDirectories(path: string, mode: number): Promise<void> {
  if ((await made(path, mode)) === 'done') return;
  await makeDirectories(dirname(path), mode);
  await mkdir(path, { mode }).catch((error: unknown) => unlessDirectory(path, error));
}

async function made(path: string, mode: number): Promise<'done' | 'parent-missing'> {
  try {
    await mkdir(path, { mode });
    return 'done';
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' && dirname(path) !== path) return 'parent-missing';
    await unlessDirectory(path, error);
    return 'done';
  }
}

/** Systems have several answers for what exists already; only a look tells whether it is a directory. */
async function unlessDirectory(path: string, error: unknown): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isDirectory() !== true) throw error;
}
