import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

const BLOCK = 1024 * 1024;

/** Writes `size` bytes that do not repeat at any power of two. */
export async function writeRandomFile(path: string | Buffer, size: number): Promise<void> {
  const file = await open(path, 'w');
  try {
    await fill(file, size);
  } finally {
    await file.close();
  }
}

async function fill(file: FileHandle, size: number): Promise<void> {
  const noise = randomBytes(Math.min(size, BLOCK + 4096));
  for (let offset = 0, n = 0; offset < size; n++) {
    const block = noise.subarray(0, Math.min(noise.length, size - offset));
    if (block.length >= 8) block.writeDoubleBE(n);
    await file.write(block, 0, block.length, offset);
    offset += block.length;
  }
}

/** A file of `size` that is one hole, save for a few bytes at both ends. */
export async function writeSparseFile(path: string, size: number): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.write(Buffer.from('first'), 0, 5, 0);
    await file.truncate(size);
    await file.write(Buffer.from('last'), 0, 4, size - 4);
  } finally {
    await file.close();
  }
}

export async function sha256Of(path: string | Buffer): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
