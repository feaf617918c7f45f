/** Finds out by digests of both sides which of the bytes that an earlier run left are right. */
import type { DigestMethod, Range } from '../../remotes/remote.ts';
import { RangeSet } from '../../util/range-set.ts';
import { cellsOf, MIN_PIECE_SIZE, spanOfPieces, wholePieces } from '../schedule/grid.ts';
import { compareDigests, isWronglyDoubted, type Sides } from './digest-comparison.ts';
import type { DigestProviders } from './digest-providers.ts';

/** Bytes and ranges that are compared at once: few enough that wrong ranges are sent again soon. */
const BATCH_BYTES = 64 * 1024 * 1024;
const MAX_BATCH = 512;
/** Cells that a piece is divided into where it is only partly right. */
const CELLS_A_PIECE = 64;
/**
 * Cells that are compared to see whether a piece is partly right: if two connections shared it, only its middle may be.
 */
const SAMPLES = 5;

export interface ClaimedFile extends Sides {
  readonly size: number;
  readonly pieceSize: number;
  /** Changes when the server may have been restarted: it may have lost the bytes that it had hashed. */
  readonly epoch: () => number;
}

/** The result for some claims. Each claim is in one of the lists. */
export interface Judged {
  readonly right: readonly Range[];
  readonly wrong: readonly Range[];
  /** No provider is left that could compare them. */
  readonly unknown: readonly Range[];
  readonly method?: DigestMethod;
}

const NOTHING: Judged = { right: [], wrong: [], unknown: [] };

/**
 * Compares the claims: whole pieces first, then the cells of a finer grid that the other claims fill. Where a piece
 * differs and some of its sampled cells do not, each of its cells is compared. `onJudged` is called with every byte of
 * the claims once.
 * @throws {CopyError} the run is over, or the source cannot be read; whatever `onJudged` rejects with
 */
export async function checkClaims(
  providers: DigestProviders,
  file: ClaimedFile,
  claims: Iterable<Range>,
  onJudged: (judged: Judged) => Promise<void>,
): Promise<void> {
  const check = new ClaimCheck(providers, file);
  const rest = new RangeSet(claims);
  const pieces = [...wholePieces(rest, file.size, file.pieceSize)];
  for (const piece of pieces) rest.remove(piece);
  const cells = [...rest].flatMap((range) => check.cellsOf(range));
  for (const cell of cells) rest.remove(cell);
  // Ranges that do not fill a cell are not worth a digest: they are sent again.
  if (!rest.isEmpty) await onJudged({ ...NOTHING, wrong: [...rest] });
  for (const batch of batchesOf(pieces)) {
    const { judged, begun } = await check.pieces(batch);
    await onJudged(judged);
    for (const some of batchesOf(begun.flatMap((piece) => check.cellsOf(piece))))
      await onJudged(await check.compare(some));
  }
  for (const batch of batchesOf(cells)) await onJudged(await check.compare(batch));
}

class ClaimCheck {
  readonly #providers: DigestProviders;
  readonly #file: ClaimedFile;
  readonly #cellLength: number;
  /** Whether a cell was found right that the provider had said differs. */
  #hasDoubted = false;

  constructor(providers: DigestProviders, file: ClaimedFile) {
    this.#providers = providers;
    this.#file = file;
    this.#cellLength = Math.max(MIN_PIECE_SIZE, file.pieceSize / CELLS_A_PIECE);
  }

  /** The cells of the finer grid that lie whole in a range. The last cell of the file may be shorter. */
  cellsOf(range: Range): Range[] {
    return cellsOf(spanOfPieces(range, this.#file.size, this.#cellLength), this.#cellLength);
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

  /** `begun`: the pieces that are partly right. They are to be compared cell by cell, and are in none of the lists. */
  async pieces(batch: readonly Range[]): Promise<{ readonly judged: Judged; readonly begun: readonly Range[] }> {
    for (;;) {
      const judged = await this.compare(batch);
      const samples = await this.compare(judged.wrong.flatMap((piece) => samplesOf(this.cellsOf(piece))));
      // The cells of the pieces could not be compared either.
      if (samples.unknown.length > 0) return { judged: { ...NOTHING, unknown: batch }, begun: [] };
      if (await this.#isInDoubt(samples)) continue;
      const begun = judged.wrong.filter((piece) => samples.right.some((cell) => isWithin(cell, piece)));
      return { judged: { ...judged, wrong: judged.wrong.filter((piece) => !begun.includes(piece)) }, begun };
    }
  }

  /**
   * Whether a cell is right that the provider says differs: everything is compared again, and nothing is sent again
   * because of it. Once that may be because an earlier run had the cell in flight, and it arrived meanwhile; the next
   * time the provider is dropped.
   */
  async #isInDoubt({ wrong: [cell], method }: Judged): Promise<boolean> {
    if (cell === undefined || method === undefined) return false;
    if (!(await this.#file.repeat(() => isWronglyDoubted(this.#file, cell)))) return false;
    if (this.#hasDoubted) this.#providers.drop(method, 'it gave a wrong digest');
    this.#hasDoubted = true;
    return true;
  }
}

/** The first and the last cell, and some at even distances between them. */
function samplesOf(cells: readonly Range[]): Range[] {
  if (cells.length <= SAMPLES) return [...cells];
  const step = (cells.length - 1) / (SAMPLES - 1);
  return Array.from({ length: SAMPLES }, (_, index) => cells[Math.round(index * step)]!);
}

function isWithin(cell: Range, piece: Range): boolean {
  return cell.offset >= piece.offset && cell.offset < piece.offset + piece.length;
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
