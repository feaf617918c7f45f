import { parseSize } from './parse-size.ts';
import { usageError } from './usage-error.ts';

/**
 * `text` as bytes a second, at least 1: `10M`, `10MiB/s` (10 × 1024² bytes a second), `500000B`. A bare number is a
 * usage error: scp's would be Kbit/s.
 */
export function parseRate(text: string, name: string): number {
  const size = text.replace(/\/s$/i, '');
  if (/^\d+(\.\d+)?$/.test(size)) {
    throw usageError(`${name} ${text} has no unit`, `Write ${size}K or ${size}M for KiB or MiB a second.`);
  }
  let bytes: number;
  try {
    bytes = Math.floor(parseSize(size, name));
  } catch {
    throw usageError(
      `${name} takes a rate, not '${text}'`,
      'Write bytes a second with K, M or G, as in 10M for 10 MiB/s.',
    );
  }
  if (bytes < 1) throw usageError(`${name} ${text} would send nothing`, 'Write a rate above zero.');
  return bytes;
}
