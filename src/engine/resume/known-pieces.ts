/** What is known of the ranges of one file: a state for every byte, and digests of whole ranges. Pure bookkeeping. */
import type { Range } from '../../remotes/remote.ts';
import { RangeSet } from '../../util/range-set.ts';
import { type DigestedPiece, type KnownPiece, PIECE_STATES, type PieceState } from './journal-records.ts';

/**
 * A file has at most 16,384 pieces, so that only parts of pieces, or a journal that was tampered with, can exceed these
 * limits. What exceeds them is not recorded: at worst it is sent again.
 */
const MAX_DIGESTS = 131_072;
const MAX_RUNS = 65_536;

interface Digested extends Range {
  readonly digest: string;
}

/** The effect of a record. `other`: something that was claimed before is not claimed any more. */
export type RecordEffect = 'nothing' | 'more' | 'other';

export class KnownPieces {
  /** Each set has the bytes that are in its state or in a higher one. */
  readonly #atLeast: Readonly<Record<PieceState, RangeSet>> = {
    acknowledged: new RangeSet(),
    durable: new RangeSet(),
    verified: new RangeSet(),
  };
  /** Ascending and disjoint; every byte of each is acknowledged. */
  readonly #digests: Digested[] = [];

  /**
   * Raises `range` to `state` where it is lower. A digest belongs to exactly its range, and is kept when the state of
   * the range, or of a longer range around it, rises. A different digest of the same range means that its bytes have
   * changed: then everything that was known of the range is forgotten first.
   */
  record(range: Range, state: PieceState, digest?: string): RecordEffect {
    const known = this.#digestOf(range);
    if (digest !== undefined && known === undefined && this.#digests.length >= MAX_DIGESTS) return 'nothing';
    const differs = digest !== undefined && known !== undefined && known !== digest;
    if (differs) this.forget(range);
    const rises = !this.#atLeast[state].has(range);
    if (rises) {
      const sets = PIECE_STATES.slice(0, PIECE_STATES.indexOf(state) + 1).map((name) => this.#atLeast[name]);
      if (sets.some(({ runs }) => runs >= MAX_RUNS)) return differs ? 'other' : 'nothing';
      for (const set of sets) set.add(range);
    }
    if (digest === undefined || known === digest) return rises ? 'more' : 'nothing';
    // Digests of parts can be dropped silently. Where one covers more than the range, other bytes lose their digest.
    const isCovered = this.#digestsIn(range).every((part) => isWithin(part, range));
    this.#dropDigests(range);
    this.#insert({ offset: range.offset, length: range.length, digest });
    return differs || !isCovered ? 'other' : 'more';
  }

  /** The range must be sent again. Returns whether anything was known of it. */
  forget(range: Range): boolean {
    if (this.#atLeast.acknowledged.missingIn(range).total === range.length) return false;
    for (const state of PIECE_STATES) this.#atLeast[state].remove(range);
    this.#dropDigests(range);
    return true;
  }

  /**
   * Disjoint and ascending: every range with a digest, in the lowest state of its bytes, and between them the longest
   * runs of one state.
   */
  list(): KnownPiece[] {
    const digested = this.#withStates(this.#digests);
    const others = PIECE_STATES.flatMap((state) => this.#runs(state, digested));
    return [...digested, ...others].sort((a, b) => a.offset - b.offset);
  }

  /** Records that lead to the same knowledge when they are recorded in this order. */
  rows(): KnownPiece[] {
    const digested = this.#withStates(this.#digests);
    const others = PIECE_STATES.flatMap((state) => {
      return this.#runs(
        state,
        digested.filter((piece) => piece.state === state),
      );
    });
    return [...digested, ...others];
  }

  /**
   * The ranges with a digest that lie whole in `range`, each in the lowest state of its bytes; ascending and disjoint.
   */
  digestedWithin(range: Range): DigestedPiece[] {
    return this.#withStates(this.#digestsIn(range).filter((piece) => isWithin(piece, range)));
  }

  #withStates(digests: readonly Digested[]): DigestedPiece[] {
    return digests.map(({ offset, length, digest }) => {
      return { offset, length, state: this.#lowestState({ offset, length }), digest };
    });
  }

  #lowestState(range: Range): PieceState {
    if (this.#atLeast.verified.has(range)) return 'verified';
    return this.#atLeast.durable.has(range) ? 'durable' : 'acknowledged';
  }

  /** The bytes that are in `state` and in no higher one, without `hidden`. */
  #runs(state: PieceState, hidden: readonly Range[]): KnownPiece[] {
    const runs = new RangeSet(this.#atLeast[state]);
    const higher = PIECE_STATES[PIECE_STATES.indexOf(state) + 1];
    for (const range of higher === undefined ? [] : this.#atLeast[higher]) runs.remove(range);
    for (const range of hidden) runs.remove(range);
    return [...runs].map(({ offset, length }) => ({ offset, length, state }));
  }

  #digestOf({ offset, length }: Range): string | undefined {
    const found = this.#digests[this.#firstEndingAfter(offset)];
    return found?.offset === offset && found.length === length ? found.digest : undefined;
  }

  #insert(piece: Digested): void {
    this.#digests.splice(this.#firstEndingAfter(piece.offset), 0, piece);
  }

  /** Drops the digest of every range that shares a byte with `range`. */
  #dropDigests(range: Range): void {
    this.#digests.splice(this.#firstEndingAfter(range.offset), this.#digestsIn(range).length);
  }

  /** The digests of ranges that share a byte with `range`. They are next to each other. */
  #digestsIn({ offset, length }: Range): Digested[] {
    const from = this.#firstEndingAfter(offset);
    let to = from;
    while (to < this.#digests.length && this.#digests[to]!.offset < offset + length) to++;
    return this.#digests.slice(from, to);
  }

  #firstEndingAfter(position: number): number {
    let low = 0;
    let high = this.#digests.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { offset, length } = this.#digests[middle]!;
      if (offset + length > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function isWithin(part: Range, { offset, length }: Range): boolean {
  return part.offset >= offset && part.offset + part.length <= offset + length;
}
