/** Makes a rename survive a crash of the system. */
import { constants, type PathLike } from 'node:fs';
import { open } from 'node:fs/promises';
import { systemErrorCode } from './system-error.ts';

/** What systems answer where a directory cannot be opened or synced. */
const NO_SYNC: readonly (string | undefined)[] = ['EINVAL', 'ENOTSUP', 'ENOSYS', 'EPERM', 'EACCES', 'EISDIR', 'EBADF'];

/**
 * Brings the names in a directory to the disk, where the system can do that for a directory; elsewhere it does nothing.
 * @throws the error of the file system: the disk did not take them
 */
export async function syncDirectory(path: PathLike): Promise<void> {
  try {
    const directory = await open(path, constants.O_RDONLY);
    await directory.sync().finally(() => directory.close());
  } catch (error) {
    if (!NO_SYNC.includes(systemErrorCode(error))) throw error;
  }
}
