/**
 * The grid of a file: its pieces. It depends only on the size of the file, the limits of the remote and the piece size
 * that was asked for, so that another run, also on another machine, computes the same grid.
 */
import { CopyError } from '../../errors.ts';
import type { Abilities, Range } from '../../remotes/remote.ts';

export const MIN_PIECE_SIZE: number = 64 * 1024;
/** The limits of a remote that accepts pieces of any size and number. */
export const UNLIMITED_PIECES: Abilities['pieceSize'] = {
  min: 1,
  max: Number.MAX_SAFE_INTEGER,
  maxPieces: Number.MAX_SAFE_INTEGER,
};
const FIRST_PIECE_SIZE = 4 * 1024 * 1024;
/** The most pieces of a file. What is kept of each piece in memory and in the journal is bounded by it. */
export const MAX_PIECES: number = 16_384;

/**
 * The length of a piece: `wanted`, or 4 MiB, doubled until the file has at most 16,384 pieces. Without `wanted`, it is
 * also doubled until the remote can take it. It depends on nothing but the arguments.
 * @throws {CopyError} `usage`: `wanted` is not a power of two of at least 64 KiB, or exceeds a limit of the remote
 */
export function choosePieceSize(
  fileSize: number,
  limits: Abilities['pieceSize'],
  wanted: number | 'auto' = 'auto',
): number {
  if (wanted === 'auto') {
    const first = Math.max(FIRST_PIECE_SIZE, nextPowerOfTwo(limits.min));
    return doubledUntil(first, fileSize, Math.min(MAX_PIECES, limits.maxPieces));
  }
  if (!isPieceSize(wanted)) throw new CopyError('usage', `A piece cannot be ${wanted} bytes long.`);
  const size = doubledUntil(wanted, fileSize, MAX_PIECES);
  if (size < limits.min || size > limits.max || pieceCount(fileSize, size) > limits.maxPieces) {
    throw new CopyError('usage', `Pieces of ${size} bytes do not fit this file on this server.`);
  }
  return size;
}

function doubledUntil(pieceSize: number, fileSize: number, maxPieces: number): number {
  let size = pieceSize;
  while (pieceCount(fileSize, size) > maxPieces) size *= 2;
  return size;
}

export function isPieceSize(size: number): boolean {
  return Number.isSafeInteger(size) && size >= MIN_PIECE_SIZE && size === nextPowerOfTwo(size);
}

/** How many pieces a file has; an empty file has none. */
export function pieceCount(fileSize: number, pieceSize: number): number {
  return Math.ceil(fileSize / pieceSize);
}

/** The first piece boundary at or after `offset`. */
export function nextBoundary(offset: number, pieceSize: number): number {
  return Math.ceil(offset / pieceSize) * pieceSize;
}

/** The pieces of a file that lie whole in one of the `ranges`, ascending. */
export function* wholePieces(ranges: Iterable<Range>, fileSize: number, pieceSize: number): Generator<Range> {
  for (const { offset, length } of ranges) {
    for (let index = nextBoundary(offset, pieceSize) / pieceSize; ; index++) {
      const piece = pieceAt(index, fileSize, pieceSize);
      if (piece.length <= 0 || piece.offset + piece.length > offset + length) break;
      yield piece;
    }
  }
}

/** The range from the first to the last piece that lies whole in a range; its length is 0 where none does. */
export function spanOfPieces({ offset, length }: Range, fileSize: number, pieceSize: number): Range {
  const begin = nextBoundary(offset, pieceSize);
  const end = offset + length;
  const last = end === fileSize ? end : end - (end % pieceSize);
  return { offset: begin, length: Math.max(0, last - begin) };
}

/** Whether a range is one whole piece of a file. */
export function isPiece({ offset, length }: Range, fileSize: number, pieceSize: number): boolean {
  return offset % pieceSize === 0 && length === Math.min(pieceSize, fileSize - offset);
}

/** Divides a range into parts of `maxLength`. The last part may be shorter. */
export function cellsOf({ offset, length }: Range, maxLength: number): Range[] {
  const cells: Range[] = [];
  for (let done = 0; done < length; done += maxLength) {
    cells.push({ offset: offset + done, length: Math.min(maxLength, length - done) });
  }
  return cells;
}

/** Divides a range at the boundaries of the grid. */
export function cellsAcross({ offset, length }: Range, pieceSize: number): Range[] {
  const cells: Range[] = [];
  const end = offset + length;
  for (let at = offset; at < end; ) {
    const cellEnd = Math.min(end, nextBoundary(at + 1, pieceSize));
    cells.push({ offset: at, length: cellEnd - at });
    at = cellEnd;
  }
  return cells;
}

/** Piece number `index` of a file. The last piece may be shorter. */
export function pieceAt(index: number, fileSize: number, pieceSize: number): Range {
  const offset = index * pieceSize;
  return { offset, length: Math.min(pieceSize, fileSize - offset) };
}

function nextPowerOfTwo(size: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, size)));
}
