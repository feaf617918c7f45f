/** What is known of the ranges of one file: a state for every byte, and digests of whole ranges. Pure bookkeeping. */
import type { Range } from '../../remotes/remote.ts';
import { RangeSet } from '../../util/range-set.ts';
import { type DigestedPiece, type KnownPiece, type PieceState, pieceStates } from './journal-records.ts';

/** Only a tiny --piece-size on a huge file has more; what is beyond is not remembered, and sent again at worst. */
const MAX_DIGESTS = 131_072;
const MAX_RUNS = 65_536;

interface Digested extends Range {
  readonly digest: string;
}

/** What a record did: `other` means that something claimed before is claimed no longer. */
export type RecordEffect = 'nothing' | 'more' | 'other';

export class KnownPieces {
  /** Each holds what has its state or a higher one, so a byte never falls back. */
  readonly #atLeast: Readonly<Record<PieceState, RangeSet>> = {
    acknowledged: new RangeSet(),
    durable: new RangeSet(),
    verified: new RangeSet(),
  };
  /** Ascending and disjoint; every byte of each is acknowledged. */
  readonly #digests: Digested[] = [];

  /**
   * Raises `range` to `state` where it is lower. A digest belongs to exactly its range, and stays when the state of
   * the range, or of more than it, rises. Another digest of the same range means that its bytes are others now:
   * whatever was known of it is forgotten first.
   */
  record(range: Range, state: PieceState, digest?: string): RecordEffect {
    const known = this.#digestOf(range);
    if (digest !== undefined && known === undefined && this.#digests.length >= MAX_DIGESTS) return 'nothing';
    const differs = digest !== undefined && known !== undefined && known !== digest;
    if (differs) this.forget(range);
    const rises = !this.#atLeast[state].has(range);
    if (rises) {
      const sets = pieceStates.slice(0, pieceStates.indexOf(state) + 1).map((name) => this.#atLeast[name]);
      if (sets.some(({ runs }) => runs >= MAX_RUNS)) return differs ? 'other' : 'nothing';
      for (const set of sets) set.add(range);
    }
    if (digest === undefined || known === digest) return rises ? 'more' : 'nothing';
    // Digests of parts of the range say nothing that is not still true; where one of more than it goes, its rest loses it.
    const isCovered = this.#digestsIn(range).every((part) => isWithin(part, range));
    this.#dropDigests(range);
    this.#insert({ offset: range.offset, length: range.length, digest });
    return differs || !isCovered ? 'other' : 'more';
  }

  /** The range must be sent again. Answers whether anything was known of it. */
  forget(range: Range): boolean {
    if (this.#atLeast.acknowledged.missingIn(range).total === range.length) return false;
    for (const state of pieceStates) this.#atLeast[state].remove(range);
    this.#dropDigests(range);
    return true;
  }

  /**
   * Disjoint and ascending: every range with a digest, in the lowest state of its bytes, and between them the longest
   * runs of one state.
   */
  list(): KnownPiece[] {
    const digested = this.#withStates(this.#digests);
    const others = pieceStates.flatMap((state) => this.#runs(state, digested));
    return [...digested, ...others].sort((a, b) => a.offset - b.offset);
  }

  /** What leads to the same knowledge when it is recorded in this order. */
  rows(): KnownPiece[] {
    const digested = this.#withStates(this.#digests);
    const others = pieceStates.flatMap((state) => {
      return this.#runs(
        state,
        digested.filter((piece) => piece.state === state),
      );
    });
    return [...digested, ...others];
  }

  /** The ranges with a digest that lie whole in `range`, each in the lowest state of its bytes; ascending and disjoint. */
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

  /** What is in `state` and no higher one, without `hidden`. */
  #runs(state: PieceState, hidden: readonly Range[]): KnownPiece[] {
    const runs = new RangeSet(this.#atLeast[state]);
    const higher = pieceStates[pieceStates.indexOf(state) + 1];
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

  /** Of every range that shares a byte with `range`. */
  #dropDigests(range: Range): void {
    this.#digests.splice(this.#firstEndingAfter(range.offset), this.#digestsIn(range).length);
  }

  /** All that share a byte with `range`; they are neighbours. */
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
