/** Checks before anything is fetched that the local disk has room for it. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import { formatSize } from '../../util/format-size.ts';
import { LocalPartial } from '../local/local-partial.ts';
import { bytesOnDisk, findPartials, freeSpaceBeside, isOnSharedFileSystem } from '../local/local-partials.ts';
import type { Report } from '../transfer/direction.ts';
import { tellPartialRemoved } from '../transfer/tell-partial-removed.ts';

const MAKE_ROOM = 'Make room on the local disk, then run the same command again.';

/** What to do where there is no room for a file beside the one that it is going to replace. */
async function adviceBeside(target: Uint8Array, size: number, available: number): Promise<string> {
  const occupied = await bytesOnDisk(target);
  const room = ((await freeSpaceBeside(target)) ?? 0) + available + occupied;
  const mayWrite = await access(Buffer.from(target), constants.W_OK).then(
    () => true,
    () => false,
  );
  if (occupied === 0 || room < size || !mayWrite) return MAKE_ROOM;
  return `${MAKE_ROOM} Or use --inplace, which writes into the old file: that is lost if the copy fails.`;
}

/**
 * @param size of the new file, bytes
 * @param available bytes that it need not occupy anew
 * @param advice what to do where there is too little room; undefined: that is found out where it is so
 * @throws {CopyError} `no-space`: the disk cannot take the rest; where the system does not tell, nothing is checked
 */
export async function expectRoom(target: Uint8Array, size: number, available: number, advice?: string): Promise<void> {
  const free = await freeSpaceBeside(target);
  const missing = size - available;
  if (free === undefined || missing <= free) return;
  const message = `${cleanText(target)} needs ${formatSize(missing)}, and ${formatSize(free)} are free.`;
  throw new CopyError('no-space', message, { advice: advice ?? (await adviceBeside(target, size, available)) });
}

/**
 * Removes the partial files that earlier runs left for a target that is going to be written itself, because they may
 * occupy the room that is needed. If even that would be too little, nothing is removed, and the target is not touched.
 * On a file system that other machines share, another run may be writing them, so that they stay.
 * @throws {CopyError} `no-space`
 */
export async function prepareInPlace(report: Pick<Report, 'notice'>, target: Uint8Array, size: number): Promise<void> {
  const isShared = await isOnSharedFileSystem(target);
  const left = isShared ? [] : (await findPartials(target)).filter(({ isCertain }) => isCertain);
  const sizes = await Promise.all(left.map(({ path }) => bytesOnDisk(path)));
  const available = sizes.reduce((sum, one) => sum + one, await bytesOnDisk(target));
  await expectRoom(target, size, available, 'Make room on the local disk; nothing was written.');
  for (const [index, { path }] of left.entries()) {
    if (await LocalPartial.discardEarlier(path)) tellPartialRemoved(report, path, sizes[index]!);
  }
}
