/** One bit of a file that becomes another. */
import { open, stat, utimes } from 'node:fs/promises';

/** Of the byte at `offset`. */
export async function flipBit(path: string, offset: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, offset);
    byte[0]! ^= 1;
    await file.write(byte, 0, 1, offset);
  } finally {
    await file.close();
  }
}

/** As {@link flipBit}, and the file says that nothing happened, but for its ctime. */
export async function flipBitUnseen(path: string, offset: number): Promise<void> {
  const { atime, mtime } = await stat(path);
  await flipBit(path, offset);
  await utimes(path, atime, mtime);
}
