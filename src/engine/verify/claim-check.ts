/** Which of the bytes that an earlier run left are right, by digests of both sides. */
import type { DigestMethod, Range } from '../../remotes/remote.ts';
import { RangeSet } from '../../util/range-set.ts';
import { cellsOf, MIN_PIECE_SIZE, nextBoundary, wholePieces } from '../grid.ts';
import { type Compared, compareDigests, type Sides } from './digest-comparison.ts';
import type { DigestProviders } from './digest-providers.ts';

/** So much at a time that what is wrong is soon sent. */
const BATCH_BYTES = 64 * 1024 * 1024;
const MAX_BATCH = 512;
/** Of a piece that was begun. */
const CELLS_A_PIECE = 64;

export interface ClaimedFile extends Sides {
  readonly size: number;
  readonly pieceSize: number;
  /** Changes when the server may have been restarted, and have lost what it had hashed. */
  readonly epoch: () => number;
}

/** What became known of some claims. */
export interface Judged {
  readonly right: readonly Range[];
  readonly wrong: readonly Range[];
  readonly method?: DigestMethod;
}

/**
 * Compares what is claimed: whole pieces, and of the rest what fills cells of a finer grid. Of a piece that differs, but
 * neither at its beginning nor at its end, each cell is compared. Tells of each byte of the claims once.
 * @throws CopyError when the run is over, or the source cannot be read; whatever `tell` rejects with
 */
export async function checkClaims(
  providers: DigestProviders,
  file: ClaimedFile,
  claims: Iterable<Range>,
  tell: (judged: Judged) => Promise<void>,
): Promise<void> {
  const cellLength = Math.max(MIN_PIECE_SIZE, file.pieceSize / CELLS_A_PIECE);
  const cellsOfRange = (range: Range): Range[] => cellsWithin(range, cellLength, file.size);
  const compare = async (ranges: readonly Range[]): Promise<Judged> => {
    let epoch: number;
    let compared: Compared | undefined;
    do {
      epoch = file.epoch();
      compared = ranges.length > 0 ? await compareDigests(providers, file, ranges) : undefined;
    } while (epoch !== file.epoch());
    const right = ranges.filter((_, index) => compared?.same[index]);
    const wrong = ranges.filter((_, index) => !compared?.same[index]);
    return { right, wrong, ...(compared && { method: compared.method }) };
  };
  /** Tells of those that were begun cell by cell; answers the others. */
  const compareBegun = async (pieces: readonly Range[]): Promise<Range[]> => {
    const ends = pieces.flatMap((piece) => endsOf(cellsOfRange(piece)));
    const isRight = new Set((await compare(ends)).right);
    const begun = pieces.filter((piece) => ends.some((cell) => isRight.has(cell) && isWithin(cell, piece)));
    for (const batch of batchesOf(begun.flatMap(cellsOfRange))) await tell(await compare(batch));
    return pieces.filter((piece) => !begun.includes(piece));
  };

  const rest = new RangeSet(claims);
  const pieces = [...wholePieces(rest, file.size, file.pieceSize)];
  for (const piece of pieces) rest.remove(piece);
  const cells = [...rest].flatMap(cellsOfRange);
  for (const cell of cells) rest.remove(cell);
  // What does not fill a cell is not worth asking for.
  if (!rest.isEmpty) await tell({ right: [], wrong: [...rest] });
  for (const batch of batchesOf(pieces)) {
    const judged = await compare(batch);
    await tell({ ...judged, wrong: [] });
    await tell({ right: [], wrong: await compareBegun(judged.wrong) });
  }
  for (const batch of batchesOf(cells)) await tell(await compare(batch));
}

function endsOf(cells: readonly Range[]): Range[] {
  return cells.length > 1 ? [cells[0]!, cells.at(-1)!] : [];
}

function isWithin(cell: Range, piece: Range): boolean {
  return cell.offset >= piece.offset && cell.offset < piece.offset + piece.length;
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
