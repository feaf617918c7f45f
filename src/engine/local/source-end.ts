/** Finds out whether a file ends where its size says. Files of /proc, /sys and FUSE may report any size. */
import { read } from 'node:fs';
import { promisify } from 'node:util';
import { systemErrorCode } from '../../util/system-error.ts';

const readAt = promisify(read);
/** Some files can be read only at aligned offsets and answer EINVAL otherwise. */
const ALIGNMENT = 4096;
/** The answers of files that cannot be read at an offset: only reading them in order shows where they end. */
const NO_OFFSETS: readonly (string | undefined)[] = ['ESPIPE', 'EINVAL'];

/**
 * Reads across the end that `size` says: for an ordinary file, this yields the last bytes and no more.
 * @throws the error of the file system
 */
export async function endsAt(fd: number, size: number): Promise<boolean> {
  const offset = Math.max(0, Math.ceil(size / ALIGNMENT) - 1) * ALIGNMENT;
  const expected = size - offset;
  const buffer = Buffer.allocUnsafe(2 * ALIGNMENT);
  try {
    for (let length = 0; ; ) {
      const { bytesRead } = await readAt(fd, buffer, length, buffer.length - length, offset + length);
      length += bytesRead;
      // A read may return fewer bytes than there are, but no bytes only at the end.
      if (bytesRead === 0 || length >= expected) return length === expected;
    }
  } catch (error) {
    if (NO_OFFSETS.includes(systemErrorCode(error))) return false;
    throw error;
  }
}
