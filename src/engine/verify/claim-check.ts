/** Which of the bytes that an earlier run left are right, by digests of both sides. */
import type { DigestMethod, Range } from '../../remotes/remote.ts';
import { RangeSet } from '../../util/range-set.ts';
import { cellsOf, MIN_PIECE_SIZE, nextBoundary, wholePieces } from '../schedule/grid.ts';
import { compareDigests, isSameReadBack, type Sides } from './digest-comparison.ts';
import type { DigestProviders } from './digest-providers.ts';

/** So much at a time that what is wrong is soon sent. */
const BATCH_BYTES = 64 * 1024 * 1024;
const MAX_BATCH = 512;
/** Of a piece that was begun. */
const CELLS_A_PIECE = 64;
/** Of them, those that tell whether it was begun: a piece that two connections shared may be right in its middle alone. */
const SAMPLES = 5;

export interface ClaimedFile extends Sides {
  readonly size: number;
  readonly pieceSize: number;
  /** Changes when the server may have been restarted, and have lost what it had hashed. */
  readonly epoch: () => number;
}

/** What became known of some claims: each is in one of the lists. */
export interface Judged {
  readonly right: readonly Range[];
  readonly wrong: readonly Range[];
  /** Nobody is left who could tell. */
  readonly unknown: readonly Range[];
  readonly method?: DigestMethod;
}

const NOTHING: Judged = { right: [], wrong: [], unknown: [] };

/**
 * Compares what is claimed: whole pieces, and of the rest what fills cells of a finer grid. Of a piece that differs, but not
 * in all of a few cells, each cell is compared. Tells of each byte of the claims once.
 * @throws CopyError when the run is over, or the source cannot be read; whatever `tell` rejects with
 */
export async function checkClaims(
  providers: DigestProviders,
  file: ClaimedFile,
  claims: Iterable<Range>,
  tell: (judged: Judged) => Promise<void>,
): Promise<void> {
  const check = new ClaimCheck(providers, file);
  const rest = new RangeSet(claims);
  const pieces = [...wholePieces(rest, file.size, file.pieceSize)];
  for (const piece of pieces) rest.remove(piece);
  const cells = [...rest].flatMap((range) => check.cellsOf(range));
  for (const cell of cells) rest.remove(cell);
  // What does not fill a cell is not worth asking for.
  if (!rest.isEmpty) await tell({ ...NOTHING, wrong: [...rest] });
  for (const batch of batchesOf(pieces)) {
    const { judged, begun } = await check.pieces(batch);
    await tell(judged);
    for (const some of batchesOf(begun.flatMap((piece) => check.cellsOf(piece)))) await tell(await check.compare(some));
  }
  for (const batch of batchesOf(cells)) await tell(await check.compare(batch));
}

class ClaimCheck {
  readonly #providers: DigestProviders;
  readonly #file: ClaimedFile;
  readonly #cellLength: number;

  constructor(providers: DigestProviders, file: ClaimedFile) {
    this.#providers = providers;
    this.#file = file;
    this.#cellLength = Math.max(MIN_PIECE_SIZE, file.pieceSize / CELLS_A_PIECE);
  }

  cellsOf(range: Range): Range[] {
    return cellsWithin(range, this.#cellLength, this.#file.size);
  }

  async compare(ranges: readonly Range[]): Promise<Judged> {
    if (ranges.length === 0) return NOTHING;
    for (;;) {
      const epoch = this.#file.epoch();
      const compared = await compareDigests(this.#providers, this.#file, ranges);
      if (epoch !== this.#file.epoch()) continue;
      if (compared === undefined) return { ...NOTHING, unknown: ranges };
      const right = ranges.filter((_, index) => compared.same[index]);
      const wrong = ranges.filter((_, index) => !compared.same[index]);
      return { right, wrong, unknown: [], method: compared.method };
    }
  }

  /** `begun`: those that are to be compared cell by cell, and are in no list. */
  async pieces(batch: readonly Range[]): Promise<{ readonly judged: Judged; readonly begun: readonly Range[] }> {
    for (;;) {
      const judged = await this.compare(batch);
      const samples = await this.compare(judged.wrong.flatMap((piece) => samplesOf(this.cellsOf(piece))));
      // Told cell by cell, they would be unknown too.
      if (samples.unknown.length > 0) return { judged: { ...NOTHING, unknown: batch }, begun: [] };
      if (await this.#isLie(samples)) continue;
      const begun = judged.wrong.filter((piece) => samples.right.some((cell) => isWithin(cell, piece)));
      return { judged: { ...judged, wrong: judged.wrong.filter((piece) => !begun.includes(piece)) }, begun };
    }
  }

  /** Whether a cell is right that is said to differ: then the provider is dropped, and nothing sent for its sake. */
  async #isLie({ wrong: [cell], method }: Judged): Promise<boolean> {
    if (cell === undefined || method === undefined) return false;
    if (!(await isSameReadBack(this.#file, cell))) return false;
    this.#providers.drop(method, 'it gave a wrong digest');
    return true;
  }
}

/** Both ends, and what lies evenly between them. */
function samplesOf(cells: readonly Range[]): Range[] {
  if (cells.length <= SAMPLES) return [...cells];
  const step = (cells.length - 1) / (SAMPLES - 1);
  return Array.from({ length: SAMPLES }, (_, index) => cells[Math.round(index * step)]!);
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
