import { randomFillSync } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

const BLOCK = 2 ** 20;

/** Puts bytes that are nowhere else in place of some of an open file. */
export async function writeUnrepeated(file: FileHandle, offset: number, length: number): Promise<void> {
  const block = Buffer.alloc(BLOCK);
  for (let done = 0; done < length; done += BLOCK) {
    await file.write(randomFillSync(block), 0, Math.min(BLOCK, length - done), offset + done);
  }
}

/** A random file no part of which is there twice, because a tool that looks for parts anywhere would find the other. */
export async function writeUnrepeatedFile(path: string, size: number): Promise<void> {
  const file = await open(path, 'w');
  await writeUnrepeated(file, 0, size).finally(() => file.close());
}
