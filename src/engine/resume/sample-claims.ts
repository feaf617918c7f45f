/** Checks by a few bytes of each claimed range whether a staged file is the one that a journal is about. */
import type { Drain, Range, Slices } from '../../remotes/remote.ts';
import { fillFrom } from '../runner/descriptor-fill.ts';

const SAMPLE = 512;

/**
 * Reads both ends and the middle of each range on the server and compares them with the local file. They differ where
 * the staged file is of another source or of another machine's run, or where a piece is incomplete. `claims` must
 * ascend and not overlap. Resolves with the offsets of those that differ.
 * @throws {CopyError} whatever reading rejects with
 */
export async function differingSamples(
  read: (slices: Slices, drain: Drain) => Promise<void>,
  fd: number,
  claims: readonly Range[],
): Promise<Set<number>> {
  const samples = claims.flatMap((claim) => samplesOf(claim).map((range) => ({ range, of: claim.offset })));
  const differing = new Set<number>();
  const fill = fillFrom(fd);
  let next = 0;
  await read({ take: () => samples[next++]?.range }, async (views, offset) => {
    const there = Buffer.concat(views);
    const here = Buffer.alloc(there.length);
    await fill([here], offset);
    if (!there.equals(here)) differing.add(ownerOf(samples, offset));
  });
  return differing;
}

function samplesOf({ offset, length }: Range): Range[] {
  if (length <= 3 * SAMPLE) return [{ offset, length }];
  const middle = offset + Math.floor(length / 2);
  return [offset, middle, offset + length - SAMPLE].map((at) => ({ offset: at, length: SAMPLE }));
}

/** A sample may arrive in parts, so that `offset` need not be the beginning of a sample. */
function ownerOf(samples: readonly { readonly range: Range; readonly of: number }[], offset: number): number {
  let [low, high] = [0, samples.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (samples[middle]!.range.offset <= offset) low = middle;
    else high = middle - 1;
  }
  return samples[low]!.of;
}
