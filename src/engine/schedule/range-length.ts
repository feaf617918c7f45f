/** How many bytes a connection gets at once. */

/** Short enough that all connections work near one another, long enough that handing out ranges costs little. */
const WORTH_SECONDS = 2;
/** The smallest cut of a remote that has no larger one. */
export const MIN_RANGE: number = 64 * 1024;
export const MAX_RANGE: number = 64 * 1024 * 1024;

/**
 * The length of a range that begins at `offset`: about two seconds of a connection of `bytesPerSecond`, from
 * `smallestCut` to 64 MiB. It ends at the boundary of a piece if one is near enough, because a piece that one
 * connection sends as a whole is hashed while it is sent. Otherwise it is a part of one piece.
 */
export function rangeLength(
  offset: number,
  bytesPerSecond: number,
  pieceSize: number,
  smallestCut: number = MIN_RANGE,
): number {
  const wanted = Math.min(MAX_RANGE, Math.max(smallestCut, WORTH_SECONDS * bytesPerSecond));
  const whole = nearest(offset + wanted, pieceSize) - offset;
  if (whole >= wanted / 2 && whole <= Math.min(MAX_RANGE, 2 * wanted)) return whole;
  const part = Math.max(smallestCut, nearest(offset + wanted, smallestCut) - offset);
  const restOfPiece = pieceSize - (offset % pieceSize);
  return Math.min(MAX_RANGE, part, restOfPiece);
}

function nearest(value: number, multipleOf: number): number {
  return Math.round(value / multipleOf) * multipleOf;
}
