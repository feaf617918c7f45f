/** Which of the bytes that an earlier run left are right, by digests of both sides. */
import type { DigestMethod, Range } from '../../remotes/remote.ts';
import { RangeSet } from '../../util/range-set.ts';
import { cellsOf, MIN_PIECE_SIZE, nextBoundary, wholePieces } from '../grid.ts';
import { compareDigests, type Sides } from './digest-comparison.ts';
import type { DigestProviders } from './digest-providers.ts';

/** So much at a time that what is wrong is soon sent. */
const BATCH_BYTES = 64 * 1024 * 1024;
const MAX_BATCH = 512;
/** Of a piece that was begun. */
const CELLS_A_PIECE = 64;

export interface ClaimedFile extends Sides {
  readonly size: number;
  readonly pieceSize: number;
}

/** What became known of some claims. */
export interface Judged {
  readonly right: readonly Range[];
  readonly wrong: readonly Range[];
  readonly method?: DigestMethod;
}

/**
 * Compares what is claimed: whole pieces, and of the rest what fills cells of a finer grid. A piece that differs beside
 * one that does not may have been begun: then its cells are compared too. Tells of each byte of the claims once.
 * @throws CopyError when the run is over, or the source cannot be read; whatever `tell` rejects with
 */
export async function checkClaims(
  providers: DigestProviders,
  file: ClaimedFile,
  claims: Iterable<Range>,
  tell: (judged: Judged) => Promise<void>,
): Promise<void> {
  const rest = new RangeSet(claims);
  const pieces = [...wholePieces(rest, file.size, file.pieceSize)];
  for (const piece of pieces) rest.remove(piece);
  const cellLength = Math.max(MIN_PIECE_SIZE, file.pieceSize / CELLS_A_PIECE);
  const cells = [...rest].flatMap((range) => cellsWithin(range, cellLength, file.size));
  for (const cell of cells) rest.remove(cell);
  // What does not fill a cell is not worth asking for.
  if (!rest.isEmpty) await tell({ right: [], wrong: [...rest] });
  const compare = async (batch: readonly Range[]): Promise<Judged> => {
    const compared = await compareDigests(providers, file, batch);
    const right = batch.filter((_, index) => compared?.same[index]);
    const wrong = batch.filter((_, index) => !compared?.same[index]);
    return { right, wrong, ...(compared && { method: compared.method }) };
  };
  const begun = new Begun();
  for (const batch of batchesOf(pieces)) {
    const sorted = await compare(batch);
    await tell({ ...sorted, wrong: begun.sift(sorted) });
  }
  await tell({ right: [], wrong: begun.rest() });
  cells.push(...begun.pieces.flatMap((piece) => cellsWithin(piece, cellLength, file.size)));
  cells.sort((a, b) => a.offset - b.offset);
  for (const batch of batchesOf(cells)) await tell(await compare(batch));
}

/** Finds the pieces that differ beside one that does not. */
class Begun {
  readonly pieces: Range[] = [];
  #lastRight: Range | undefined;
  /** Differs; nothing is known yet of what follows it. */
  #held: Range | undefined;

  /** Takes what follows what it was given before; answers what nothing beside it speaks for. */
  sift({ right, wrong }: Judged): Range[] {
    const isRight = new Set(right);
    const hopeless: Range[] = [];
    for (const piece of [...right, ...wrong].sort((a, b) => a.offset - b.offset)) {
      const held = this.#held;
      this.#held = undefined;
      if (held !== undefined) (isRight.has(piece) && touch(held, piece) ? this.pieces : hopeless).push(held);
      if (isRight.has(piece)) this.#lastRight = piece;
      else if (this.#lastRight !== undefined && touch(this.#lastRight, piece)) this.pieces.push(piece);
      else this.#held = piece;
    }
    return hopeless;
  }

  rest(): Range[] {
    return this.#held === undefined ? [] : [this.#held];
  }
}

function touch(a: Range, b: Range): boolean {
  return a.offset + a.length === b.offset;
}

/** The cells of a grid that lie in a range; the last one of the file may be shorter. */
function cellsWithin({ offset, length }: Range, cellLength: number, fileSize: number): Range[] {
  const begin = nextBoundary(offset, cellLength);
  const end = offset + length;
  const last = end === fileSize ? end : end - (end % cellLength);
  return last > begin ? cellsOf({ offset: begin, length: last - begin }, cellLength) : [];
}

function* batchesOf(ranges: readonly Range[]): Generator<Range[]> {
  let batch: Range[] = [];
  let bytes = 0;
  for (const range of ranges) {
    if (batch.length > 0 && (bytes + range.length > BATCH_BYTES || batch.length === MAX_BATCH)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(range);
    bytes += range.length;
  }
  if (batch.length > 0) yield batch;
}
