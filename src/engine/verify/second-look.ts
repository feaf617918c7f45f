/**
 * Whether what was verified is still there, asked once more about a few pieces: of a target that is written in place, into
 * which nobody can keep another program from writing.
 */
import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { DigestAlgorithm, Range } from '../../remotes/remote.ts';
import type { LocalDigests } from '../local/local-digests.ts';
import { cellsOf } from '../schedule/grid.ts';
import { isSameDigest } from './digest-back.ts';
import { isSameReadBack, type Sides } from './digest-comparison.ts';
import type { DigestProviders } from './digest-providers.ts';

const MAX_PIECES = 16;
/** Bytes that are hashed again, unless one piece alone is longer. */
const MAX_BYTES = 256 * 1024 * 1024;
/** How long the answer is waited for: it tells only what would otherwise stay unknown. */
const LIMIT_MS = 10_000;

export interface SecondLook {
  readonly providers: Pick<DigestProviders, 'trusted' | 'ask' | 'drop' | 'inUse'>;
  readonly sides: Pick<Sides, 'of' | 'local' | 'back'>;
  /** Verified by the digests of the provider that is in use, ascending. */
  readonly pieces: readonly Range[];
  /** Default: 10 s. */
  readonly limitMs?: number;
}

/**
 * A part of them that is not any more what it was when it was verified; undefined where none is found. A provider that gives a
 * wrong digest is dropped.
 * @throws CopyError when the run is over, scope `connection`, or the source cannot be read
 */
export async function findOverwritten(look: SecondLook): Promise<Range | undefined> {
  const { providers, sides } = look;
  const method = providers.inUse;
  const pieces = choosePieces(look.pieces);
  if (method === undefined || pieces.length === 0) return undefined;
  // It has stood its trial, or nothing would be verified by it.
  const provider = await providers.trusted({ of: sides.of, back: sides.back, ranges: async () => pieces.slice(0, 1) });
  if (provider?.method !== method) return undefined;
  // What is hashed here is known before the server is asked: nothing reads the source when the answer comes too late.
  const cells = pieces.flatMap((piece) => cellsOf(piece, provider.maxRangeLength));
  const here = await digestsHere(sides.local, cells, provider.algorithm);
  const there = await inTime(providers.ask(provider, sides.of, cells), look.limitMs ?? LIMIT_MS);
  const changed = there && cells.find((_, index) => !isSameDigest(here[index]!, there[index]));
  if (changed === undefined || !(await isSameReadBack(sides, changed))) return changed;
  providers.drop(method, 'it gave a wrong digest');
  return undefined;
}

/** Spread over all of them: one of each of as many sections, always the same one of the same pieces. */
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

/** A number that looks like chance and is the same in every run. */
function scattered(section: number, count: number): number {
  return createHash('sha256').update(`${section} of ${count}`).digest().readUInt32BE(0);
}

async function digestsHere(
  local: LocalDigests,
  ranges: readonly Range[],
  algorithm: DigestAlgorithm,
): Promise<Uint8Array[]> {
  const digests: Uint8Array[] = [];
  for (const range of ranges) digests.push(await local.digest(range, algorithm));
  return digests;
}

/** Undefined where it takes longer. */
async function inTime<T>(answer: Promise<T>, limitMs: number): Promise<T | undefined> {
  const answered = new AbortController();
  const late = setTimeout(limitMs, undefined, { signal: answered.signal }).catch(() => undefined);
  try {
    return await Promise.race([answer, late]);
  } finally {
    answered.abort();
    answer.catch(() => {});
  }
}
