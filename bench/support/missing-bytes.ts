import { type FileHandle, open } from 'node:fs/promises';

/** Into which resuming divides a piece that was begun. */
const CELL = 64 * 1024;

async function cellAt(file: FileHandle, cell: Buffer, offset: number): Promise<Buffer> {
  const { bytesRead } = await file.read(cell, 0, CELL, offset);
  return cell.subarray(0, bytesRead);
}

/** How much of `whole` is not in `part`, in bytes of cells of 64 KiB that differ. */
export async function missingBytes(whole: string, part: string): Promise<number> {
  const files = await Promise.all([open(whole), open(part)]);
  const cells = [Buffer.alloc(CELL), Buffer.alloc(CELL)] as const;
  try {
    let missing = 0;
    for (let offset = 0; ; offset += CELL) {
      const here = await cellAt(files[0], cells[0], offset);
      if (here.length === 0) return missing;
      if (!here.equals(await cellAt(files[1], cells[1], offset))) missing += here.length;
    }
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}
