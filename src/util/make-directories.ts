/** Creates a directory and the directories above it. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorCode } from './system-error.ts';

/**
 * Does what `mkdir` of Node does with `recursive`, in a bounded number of attempts. Where a file system answers that
 * nothing can be created (ENOENT below /proc), Node repeats the same two calls forever.
 * @param mode of each directory that is created; those that exist keep theirs
 * @throws the error of the file system for the first directory that cannot be created
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

/** Systems answer differently where something exists already; only stat shows whether that is a directory. */
async function unlessDirectory(path: string, error: unknown): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isDirectory() !== true) throw error;
}
