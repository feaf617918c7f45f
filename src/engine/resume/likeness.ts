/**
 * Samples of two files, which show whether they have anything in common. They cost a round trip, so that they are taken
 * before anything is copied or hashed.
 */
import type { Drain, Range, Slices } from '../../remotes/remote.ts';
import { RangeSet } from '../../util/range-set.ts';
import { isAllAlike } from '../local/local-source.ts';
import { differingSamples } from './sample-claims.ts';

const SAMPLES = 16;
/** Bytes of one of them. */
const SAMPLE_LENGTH = 4096;

/**
 * Which part of the samples of the first `length` bytes is the same in the file that `read` reads and in the local one:
 * 0 to 1. Samples of equal bytes count only if there are no others.
 * @throws {CopyError} whatever reading rejects with
 */
export async function likeness(
  read: (slices: Slices, drain: Drain) => Promise<void>,
  fd: number,
  length: number,
): Promise<number> {
  const samples = samplesOf(length);
  if (samples.length === 0) return 0;
  const differing = await differingSamples(read, fd, samples);
  const telling: Range[] = [];
  for (const sample of samples) if (!(await isAllAlike(fd, sample))) telling.push(sample);
  const counted = telling.length > 0 ? telling : samples;
  return counted.filter(({ offset }) => !differing.has(offset)).length / counted.length;
}

/**
 * Whether samples of `ranges`, which ascend and are disjoint, are the same in the file that `read` reads and in the
 * local one. None differ where there are no ranges.
 * @throws {CopyError} whatever reading rejects with
 */
export async function hasSameSamples(
  read: (slices: Slices, drain: Drain) => Promise<void>,
  fd: number,
  ranges: Iterable<Range>,
): Promise<boolean> {
  const all = new RangeSet(ranges);
  const samples = all.within(new RangeSet(samplesOf(endOf(all))));
  return (await differingSamples(read, fd, [...samples])).size === 0;
}

function endOf(ranges: RangeSet): number {
  let end = 0;
  for (const { offset, length } of ranges) end = offset + length;
  return end;
}

/** Evenly spread over the first `length` bytes, ascending. */
function samplesOf(length: number): Range[] {
  const count = Math.min(SAMPLES, Math.floor(length / SAMPLE_LENGTH));
  if (count === 0) return length === 0 ? [] : [{ offset: 0, length }];
  const step = Math.floor(length / count);
  return Array.from({ length: count }, (_, index) => ({ offset: index * step, length: SAMPLE_LENGTH }));
}
