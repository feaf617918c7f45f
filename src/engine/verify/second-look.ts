/**
 * Compares a few verified pieces once more, to find out whether they have changed since. This is for a target that is
 * written in place, and for a source on the server: both may change unnoticed.
 */

import { createHash } from 'node:crypto';
import type { Range } from '../../remotes/remote.ts';
import { inTime } from '../../util/in-time.ts';
import { cellsOf } from '../schedule/grid.ts';
import { isSameDigest } from './digest-back.ts';
import { isSameReadBack, type Sides } from './digest-comparison.ts';
import type { DigestProviders } from './digest-providers.ts';

const MAX_PIECES = 16;
/** The most bytes that are hashed again. One piece is hashed, however long it is. */
const MAX_BYTES = 256 * 1024 * 1024;
/** How long to wait for the server's digests. Without them the run goes on, as it would without a second look. */
const LIMIT_MS = 10_000;

export interface SecondLook {
  readonly providers: Pick<DigestProviders, 'trusted' | 'ask' | 'drop' | 'inUse'>;
  readonly sides: Pick<Sides, 'of' | 'local' | 'back' | 'expectSource'>;
  /** Pieces that were verified by the provider in use, ascending. */
  readonly pieces: readonly Range[];
  /** Whether the local file is the target, so that other programs may write it: its pieces are read once more. */
  readonly isTargetLocal?: boolean;
  /** Default: 10 s. */
  readonly limitMs?: number;
}

/**
 * `changed`: a part of the pieces that has changed since it was verified, here or on the server. `is-same`: none of
 * those that were looked at. `unknown`: the server did not answer in time, or cannot be asked any more.
 */
export type Looked = { readonly changed: Range; readonly side: 'here' | 'there' } | 'is-same' | 'unknown';

/**
 * Compares some of the pieces. A provider that gives a wrong digest is dropped.
 * @throws {CopyError} the run is over, or the source cannot be read or has changed; scope `connection`
 */
export async function findOverwritten(look: SecondLook): Promise<Looked> {
  const { providers, sides } = look;
  const method = providers.inUse;
  const pieces = choosePieces(look.pieces);
  if (method === undefined || pieces.length === 0) return 'unknown';
  // The provider was tried before the pieces were verified by it: it is not tried again.
  const provider = await providers.trusted({ of: sides.of, back: sides.back, ranges: async () => pieces.slice(0, 1) });
  if (provider?.method !== method) return 'unknown';
  // The local digests are computed first, so that nothing reads the source when the server's digests come too late.
  const cells = pieces.flatMap((piece) => cellsOf(piece, provider.maxRangeLength));
  const here = await sides.local.digests(cells, provider.algorithm);
  if (look.isTargetLocal) {
    for (const cell of cells) {
      if (!(await sides.local.isAsKept(cell, provider.algorithm))) return { changed: cell, side: 'here' };
    }
  }
  const there = await inTime(providers.ask(provider, sides.of, cells), look.limitMs ?? LIMIT_MS);
  if (there === undefined) return 'unknown';
  const changed = cells.find((_, index) => !isSameDigest(here[index]!, there[index]));
  if (changed === undefined) return 'is-same';
  if (!(await isSameReadBack(sides, changed))) return { changed, side: 'there' };
  await sides.expectSource?.();
  providers.drop(method, 'it gave a wrong digest');
  return 'unknown';
}

/**
 * The same for pieces that were verified by reading them back: some of them are read back once more.
 * @throws {CopyError} the run is over; scope `connection`
 */
export async function findOverwrittenByReading(
  sides: Pick<Sides, 'local' | 'back'>,
  verified: readonly Range[],
): Promise<Looked> {
  const pieces = choosePieces(verified);
  for (const changed of pieces) {
    if (!(await isSameReadBack(sides, changed))) return { changed, side: 'there' };
  }
  return pieces.length > 0 ? 'is-same' : 'unknown';
}

/** Divides the pieces into sections and takes one piece of each: always the same ones of the same pieces. */
export function choosePieces(pieces: readonly Range[]): Range[] {
  const [first] = pieces;
  if (first === undefined) return [];
  const count = Math.min(pieces.length, MAX_PIECES, Math.max(1, Math.floor(MAX_BYTES / first.length)));
  return Array.from({ length: count }, (_, section) => {
    const begin = Math.floor((section * pieces.length) / count);
    const end = Math.floor(((section + 1) * pieces.length) / count);
    return pieces[begin + (scattered(section, pieces.length) % (end - begin))]!;
  });
}

/** A number that looks random and is the same in every run. */
function scattered(section: number, count: number): number {
  return createHash('sha256').update(`${section} of ${count}`).digest().readUInt32BE(0);
}
