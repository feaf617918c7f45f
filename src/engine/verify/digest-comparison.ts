/** Finds out by digests of both sides whether ranges of a staged file and of the local file are the same. */
import { CopyError } from '../../errors.ts';
import type { DigestMethod, Range, StageToken } from '../../remotes/remote.ts';
import type { ConnectionAccess } from '../connections/connection-access.ts';
import type { LocalDigests } from '../local/local-digests.ts';
import { isAllAlike } from '../local/local-source.ts';
import { cellsOf } from '../schedule/grid.ts';
import { type DigestBack, isSameDigest } from './digest-back.ts';
import type { ExpectSource } from './digest-provider.ts';
import type { DigestProviders } from './digest-providers.ts';

/** A provider is tried on two short ranges. Ranges of equal bytes are used only where there are no others. */
const TRIAL_LENGTH = 64 * 1024;
const TRIALS = 2;
const MAX_TRIAL_LENGTH = 16 * 1024 * 1024;
/** Ranges that are considered for the trial. */
const MAX_LOOKS = 16;

export interface Compared {
  readonly method: DigestMethod;
  /** Whether each of the ranges is the same, in their order. */
  readonly same: readonly boolean[];
}

export interface Sides {
  /** What is staged, or the path of a file of the server. */
  readonly of: StageToken | Uint8Array;
  /** The local file. */
  readonly fd: number;
  readonly local: LocalDigests;
  readonly back: DigestBack;
  readonly expectSource?: ExpectSource;
  /** Repeats what fails with a connection. */
  readonly repeat: ConnectionAccess['repeat'];
  /** Aborted when the result is not needed any more: then nothing is tried again after the failure of a connection. */
  readonly signal?: AbortSignal;
}

/**
 * Compares `ranges`, which are cells of the file's grid or of a finer one. Undefined: no provider can be trusted.
 * @throws {CopyError} the run is over, or the source cannot be read or has changed
 */
export async function compareDigests(
  providers: DigestProviders,
  { of, fd, local, back, expectSource, repeat, signal }: Sides,
  ranges: readonly Range[],
): Promise<Compared | undefined> {
  const trial = { of, back, expectSource, ranges: () => trialRanges(fd, ranges) };
  const isWanted = (): boolean => signal?.aborted !== true;
  for (;;) {
    // The failure of a connection does not show what the server can do.
    const provider = await repeat(() => providers.trusted(trial), isWanted);
    if (provider === undefined) return undefined;
    const cells = ranges.map((range) => cellsOf(range, provider.maxRangeLength));
    // Both sides hash at the same time.
    const hashing = local.digests(cells.flat(), provider.algorithm);
    const [there, here] = await Promise.all([providers.ask(provider, of, cells.flat(), expectSource), hashing]).finally(
      () =>
        // After a failure the caller may close the file, so that nothing may read it any more by then.
        hashing.catch(() => {}),
    );
    if (there === undefined) continue;
    let next = 0;
    const same = cells.map((some) => some.map(() => isSameDigest(here[next]!, there[next++])).every((one) => one));
    return { method: provider.method, same };
  }
}

/** Whether a range is the same here and when it is read back. */
export function isSameReadBack(sides: Pick<Sides, 'local' | 'back'>, range: Range): Promise<boolean> {
  // The staged file may end before the range does.
  return isSameBack(sides, range, ({ code }) => code === 'integrity');
}

/**
 * Whether a range is right that a provider says differs. It counts as wrong where the server does not let it be read
 * back: sending it again does no harm, and the provider has been right before.
 */
export function isWronglyDoubted(sides: Pick<Sides, 'local' | 'back'>, range: Range): Promise<boolean> {
  return isSameBack(sides, range, ({ code }) => code === 'integrity' || code === 'destination-permission');
}

/** `isDifference`: whether a failure to read back means that the range is not the same. */
async function isSameBack(
  { local, back }: Pick<Sides, 'local' | 'back'>,
  range: Range,
  isDifference: (error: CopyError) => boolean,
): Promise<boolean> {
  const hashing = local.digest(range, 'sha256');
  const [here, there] = await Promise.all([
    hashing,
    back([range], 'sha256').catch((error: unknown) => {
      if (isDifference(CopyError.from(error))) return [];
      throw error;
    }),
  ]).finally(() => hashing.catch(() => {}));
  return isSameDigest(here, there[0]);
}

/**
 * Short ranges to try a provider on: from both ends, because a provider that ignores offsets is found out by ranges
 * that are far apart, and without ranges of equal bytes, unless there are no others.
 */
async function trialRanges(fd: number, ranges: readonly Range[]): Promise<Range[]> {
  const ends = [firstCell(ranges[0]!), lastCell(ranges.at(-1)!)];
  const distinct = new Map([...ends, ...ranges.slice(0, MAX_LOOKS).map(firstCell)].map((cell) => [cell.offset, cell]));
  const telling: Range[] = [];
  for (const cell of distinct.values()) {
    if (telling.length < TRIALS && !(await isAllAlike(fd, cell))) telling.push(cell);
  }
  const trial = telling.length > 0 ? telling : [...distinct.values()].slice(0, TRIALS);
  return trial.sort((a, b) => a.offset - b.offset);
}

/**
 * The same for whole pieces, with the first piece in full unless it is too long: some providers fail on long ranges
 * only.
 */
export async function longTrialRanges(fd: number, pieces: readonly Range[]): Promise<Range[]> {
  const first = pieces[0]!;
  const short = await trialRanges(fd, pieces);
  if (first.length > MAX_TRIAL_LENGTH) return short;
  return [first, ...short.filter(({ offset }) => offset >= first.offset + first.length)];
}

function firstCell({ offset, length }: Range): Range {
  return { offset, length: Math.min(TRIAL_LENGTH, length) };
}

function lastCell({ offset, length }: Range): Range {
  const begin = Math.floor((length - 1) / TRIAL_LENGTH) * TRIAL_LENGTH;
  return { offset: offset + begin, length: length - begin };
}
