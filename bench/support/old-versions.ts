import { copyFile, open, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { TransferScene } from './transfer-scene.ts';
import { writeUnrepeated, writeUnrepeatedFile } from './unrepeated-file.ts';

const PIECE = 4 * 2 ** 20;
/** Where, of the pieces of a file, some are different in its older version. */
const CHANGED = [0.15, 0.5, 0.8];
/** Long ago: no tool takes the file for one that is up to date. */
const OLD_TIME = 1_000_000_000;

/** How much of a file is not in its older version, in bytes. */
export const CHANGED_BYTES: number = CHANGED.length * PIECE;

/** What stands where a file is to arrive: an older version, something of the same size, or nothing. */
export type OldVersion = 'changed' | 'unlike' | 'none';

/** Writes them once; what is returned puts one of them into the place of a target. */
export async function writeOldVersions(
  scene: TransferScene,
): Promise<(version: OldVersion, target: string) => Promise<void>> {
  const paths = { changed: join(scene.workDir, 'changed.bin'), unlike: join(scene.workDir, 'unlike.bin') };
  const { size } = await stat(scene.source);
  await copyFile(scene.source, paths.changed);
  const file = await open(paths.changed, 'r+');
  try {
    for (const share of CHANGED) await writeUnrepeated(file, Math.floor((share * size) / PIECE) * PIECE, PIECE);
  } finally {
    await file.close();
  }
  await writeUnrepeatedFile(paths.unlike, size);
  return async (version, target) => {
    if (version === 'none') return;
    const path = join(scene.landing, target);
    await copyFile(paths[version], path);
    await utimes(path, OLD_TIME, OLD_TIME);
  };
}
