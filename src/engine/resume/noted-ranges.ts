/**
 * Knows which durable ranges of a staged file are in its journal, and which are to be recorded next. Pure bookkeeping.
 */
import type { Range } from '../../remotes/remote.ts';
import { bytesIn, RangeSet } from '../../util/range-set.ts';
import { cellsAcross, isPiece, spanOfPieces, wholePieces } from '../schedule/grid.ts';

/** A part of a piece that is shorter is not worth a record. */
const MIN_PART = 64 * 1024;
/** Parts of pieces are hashed again with their pieces: they must be at least this share of what is to be recorded. */
const MIN_SHARE_OF_PARTS = 1 / 8;

export interface RangeToNote {
  readonly range: Range;
  readonly state: 'durable' | 'verified';
  /** Whether the range is a part of a piece. */
  readonly isPart: boolean;
}

/** What is to be recorded, and how. */
export interface Noting {
  /** Whole pieces. The set may grow while they are recorded. */
  readonly verified?: RangeSet | undefined;
  /** Whether parts of pieces are recorded too: needed where no digests of the server can tell later what it has. */
  readonly parts?: boolean;
}

export class NotedRanges {
  readonly #fileSize: number;
  readonly #pieceSize: number;
  /** Whole pieces, the verified ones included. */
  readonly #durable: RangeSet = new RangeSet();
  /** Whole pieces. */
  readonly #verified: RangeSet = new RangeSet();
  /** Parts of other pieces. */
  readonly #parts: RangeSet = new RangeSet();

  constructor(fileSize: number, pieceSize: number) {
    this.#fileSize = fileSize;
    this.#pieceSize = pieceSize;
  }

  add(range: Range, state: 'durable' | 'verified'): void {
    if (!isPiece(range, this.#fileSize, this.#pieceSize)) return this.#parts.add(range);
    this.#durable.add(range);
    if (state === 'verified') this.#verified.add(range);
    this.#parts.remove(range);
  }

  /** The journal has nothing of the pieces that share bytes with `range` any more. */
  forget({ offset, length }: Range): void {
    const begin = offset - (offset % this.#pieceSize);
    const end = Math.ceil((offset + length) / this.#pieceSize) * this.#pieceSize;
    for (const set of [this.#durable, this.#verified, this.#parts]) set.remove({ offset: begin, length: end - begin });
  }

  /**
   * What of `durable` the journal lacks, or has in a lower state; ascending, whole pieces first. It takes time by the
   * runs of the sets and by what it yields, not by the pieces of the file.
   */
  *missingIn(durable: RangeSet, { verified = new RangeSet(), parts = false }: Noting): Generator<RangeToNote> {
    const missing = durable.without(this.#durable);
    const raised = this.#durable.without(this.#verified).within(verified).within(durable);
    for (const run of raised) missing.add(run);
    let pieceBytes = 0;
    for (const piece of wholePieces(missing, this.#fileSize, this.#pieceSize)) {
      pieceBytes += piece.length;
      yield { range: piece, state: verified.has(piece) ? 'verified' : 'durable', isPart: false };
    }
    if (parts) yield* this.#missingParts(durable, pieceBytes);
  }

  *#missingParts(durable: RangeSet, pieceBytes: number): Generator<RangeToNote> {
    const incomplete = new RangeSet(durable);
    for (const run of durable) incomplete.remove(spanOfPieces(run, this.#fileSize, this.#pieceSize));
    const missing = [...incomplete.without(this.#parts)]
      .flatMap((run) => cellsAcross(run, this.#pieceSize))
      .filter(({ length }) => length >= MIN_PART);
    const partBytes = bytesIn(missing);
    if (partBytes < MIN_SHARE_OF_PARTS * (pieceBytes + partBytes)) return;
    for (const range of missing) yield { range, state: 'durable', isPart: true };
  }
}
