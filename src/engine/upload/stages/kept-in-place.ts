/** Finds out whether a target that is written in place has some of the source already. */
import { CopyError, isBeyondFile } from '../../../errors.ts';
import type { RemoteConnection, Staged } from '../../../remotes/remote.ts';
import { likeness } from '../../resume/likeness.ts';
import { fillFrom } from '../../runner/descriptor-fill.ts';
import { choosePieceSize, pieceCount } from '../../schedule/grid.ts';
import { isUsefulOld, type UsefulOldServices } from '../../transfer/useful-old.ts';
import { canBeContinued } from '../regain-staged.ts';
import type { Reopened } from './reopen-staged.ts';

export interface KeptInPlaceFile {
  readonly target: Uint8Array;
  /** The local file, and its length in bytes. */
  readonly fd: number;
  readonly size: number;
  readonly pieceSize: number | 'auto';
}

/** Undefined: nothing of it is used. `staged` is the target. */
export async function keptInPlace(
  services: UsefulOldServices,
  { abilities }: Pick<RemoteConnection, 'abilities'>,
  staged: Staged,
  { target, fd, size, pieceSize: wanted }: KeptInPlaceFile,
): Promise<Reopened | undefined> {
  const pieceSize = choosePieceSize(size, abilities.pieceSize, wanted);
  const length = Math.min(staged.found?.size ?? 0, size);
  if (pieceCount(size, pieceSize) < 2 || length < pieceSize) return undefined;
  const compareSamples = (): Promise<number> => likeness((slices, drain) => staged.readBack(slices, drain), fd, length);
  if (!(await isUsefulOld(services, target, () => readable(compareSamples)))) return undefined;
  // Some servers show the old file while another one is written in its place.
  if (abilities.writers !== 'many' && !(await canBeContinued(staged, size, fillFrom(fd)))) return undefined;
  return { staged, claims: [{ offset: 0, length }], by: 'digests', isOurs: false };
}

/** Resolves with 0 if this account may not read the file. */
async function readable(compareSamples: () => Promise<number>): Promise<number> {
  try {
    return await compareSamples();
  } catch (error) {
    const failure = CopyError.from(error);
    if (isBeyondFile(failure)) throw failure;
    return 0;
  }
}
