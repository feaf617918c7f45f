import { formatExactSize } from '../util/format-size.ts';
import { usageError } from './usage-error.ts';

const factors: Readonly<Record<string, number>> = {
  '': 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
};

/** `text` as bytes: a number with `K`, `M`, `G` or `T` (powers of 1024; `KiB` too) or none. Usage error otherwise. */
export function parseSize(text: string, name: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:([kmgt])(?:ib)?|b)?$/i.exec(text);
  const bytes = match ? Number(match[1]) * factors[(match[2] ?? '').toLowerCase()]! : Number.NaN;
  if (!Number.isSafeInteger(bytes)) {
    throw usageError(
      `${name} takes a size, not '${text}'`,
      'Write a number with K, M, G or T (powers of 1024), as in 4M.',
    );
  }
  return bytes;
}

/** Smallest and largest `--piece-size`, in bytes. */
export const pieceSizeBounds: { readonly min: number; readonly max: number } = { min: 64 * 1024, max: 1024 ** 4 };

/** A power of two of at least 64 KiB. The usage error names the nearest ones. */
export function parsePieceSize(text: string, name: string): number {
  const bytes = parseSize(text, name);
  const { min, max } = pieceSizeBounds;
  if (bytes < min || bytes > max) {
    throw usageError(
      `${name} ${text} is out of range`,
      `Use a power of two from ${formatExactSize(min)} to ${formatExactSize(max)}.`,
    );
  }
  const below = 2 ** Math.floor(Math.log2(bytes));
  if (below === bytes) return bytes;
  throw usageError(
    `${name} ${text} is not a power of two`,
    `Use ${formatExactSize(below)} or ${formatExactSize(below * 2)}.`,
  );
}
