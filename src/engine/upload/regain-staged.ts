/**
 * Finds out whether a server kept what one connection wrote, after that connection was lost. If it did, the run
 * continues in the same staged file. Late writes of the lost connection put the same bytes in the same places, so they
 * do no harm.
 *
 * Some servers show each session a temporary file of its own, and drop it with the session; there the file is missing
 * or shorter than what was acknowledged. Others truncate a file when it is opened, or ignore offsets and append; a size
 * that changes in the wrong way shows that.
 */
import { CopyError, isBeyondFile } from '../../errors.ts';
import type { Fill, Range, RemoteConnection, Staged, StageToken } from '../../remotes/remote.ts';
import { slicesOf } from '../../util/slices-of.ts';

/** Bytes that are written once more, to see whether the server respects offsets: few, because the line may be slow. */
const SLICE = 4 * 1024;
/** A try may fail because requests that were in flight on the lost connection change the size. */
const MAX_TRIES = 5;

export interface KeptFile {
  readonly token: StageToken;
  /** Ascending and disjoint: what the server said OK to. */
  readonly acknowledged: Iterable<Range>;
  /** Bytes of the source. */
  readonly size: number;
  /** The file is cut off here, so that its size shows what is written next; undefined: it is not. */
  readonly cutOffAt: number | undefined;
  readonly fill: Fill;
  /** Called for what is written to find out whether offsets are respected. */
  readonly onAcknowledged: () => void;
}

/**
 * Opens the staged file on another connection; undefined where what was acknowledged is not there, or cannot be
 * written.
 * @throws {CopyError} scope `connection` or `run`: it could not be found out
 */
export async function regainStaged(remote: RemoteConnection, file: KeptFile): Promise<Staged | undefined> {
  let staged: Staged | undefined;
  try {
    staged = await remote.join(file.token);
    if (await isKept(staged, file)) return staged;
  } catch (error) {
    const failure = CopyError.from(error);
    if (isBeyondFile(failure)) throw failure;
  }
  await staged?.close().catch((error: unknown) => {
    if (isBeyondFile(CopyError.from(error))) throw error;
  });
  return undefined;
}

async function isKept(
  staged: Staged,
  { acknowledged, size, cutOffAt, fill, onAcknowledged }: KeptFile,
): Promise<boolean> {
  const ranges = [...acknowledged];
  const [first, last] = [ranges[0], ranges.at(-1)];
  const end = last === undefined ? 0 : last.offset + last.length;
  // Before it was opened, and after that.
  const opened = await staged.look();
  if (staged.found?.kind !== 'file' || staged.found.size < end || opened === undefined || opened.size < end)
    return false;
  if (cutOffAt !== undefined) await staged.cutOff(cutOffAt);
  // Even if nothing was acknowledged: where offsets are ignored, a late write of the lost connection would be appended
  // to the target.
  const { offset, length } = first ?? { offset: 0, length: size };
  return respectsOffsets(staged, { offset, length: Math.min(SLICE, length) }, fill, onAcknowledged);
}

/**
 * Whether a staged file that an earlier run has left has survived its opening, and can be written at offsets. Its
 * beginning is written with the bytes that belong there; a server that ignores offsets appends them, which spoils the
 * file.
 */
export async function canBeContinued(staged: Staged, size: number, fill: Fill): Promise<boolean> {
  const before = Math.min(size, staged.found?.size ?? 0);
  if (before === 0) return true;
  const opened = await staged.look();
  if (opened !== undefined && opened.size < before) return false;
  return respectsOffsets(staged, { offset: 0, length: Math.min(SLICE, before) }, fill, () => {});
}

async function respectsOffsets(staged: Staged, slice: Range, fill: Fill, onAcknowledged: () => void): Promise<boolean> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const before = await staged.look();
    await staged.write(slicesOf(slice), fill, onAcknowledged);
    const after = await staged.look();
    if (before !== undefined && after?.size === before.size) return true;
  }
  return false;
}
