/** Whether a file ends where its size says. Not all do: those of /proc, of /sys and of FUSE have any size. */
import { read } from 'node:fs';
import { promisify } from 'node:util';
import { systemErrorCode } from '../../util/system-error.ts';

const readAt = promisify(read);
/** Some files can be read in aligned parts alone (EINVAL). */
const ALIGNMENT = 4096;
/** What a file answers that cannot be read at an offset: then only reading it in order tells. */
const NO_OFFSETS: readonly (string | undefined)[] = ['ESPIPE', 'EINVAL'];

/**
 * By one read across the end: of an ordinary file it gets the last bytes and no more.
 * @throws what the file system says
 */
export async function endsAt(fd: number, size: number): Promise<boolean> {
  const offset = Math.max(0, Math.ceil(size / ALIGNMENT) - 1) * ALIGNMENT;
  const expected = size - offset;
  const buffer = Buffer.allocUnsafe(2 * ALIGNMENT);
  try {
    for (let length = 0; ; ) {
      const { bytesRead } = await readAt(fd, buffer, length, buffer.length - length, offset + length);
      length += bytesRead;
      // A read may give less than there is, but not nothing.
      if (bytesRead === 0 || length >= expected) return length === expected;
    }
  } catch (error) {
    if (NO_OFFSETS.includes(systemErrorCode(error))) return false;
    throw error;
  }
}
