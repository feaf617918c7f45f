/** Sizes and rates for people, in powers of 1024. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/**
 * `bytes` (≥ 0) with at least two significant digits where it has a unit of KiB or more: `0 B`, `1023 B`, `1.2 GiB`,
 * `36 MiB`.
 */
export function formatSize(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  // What would be printed as 1024 belongs to the next unit.
  while (unit < UNITS.length - 1 && Math.round(value) >= 1024) {
    value /= 1024;
    unit++;
  }
  const digits = unit > 0 && value < 9.95 ? value.toFixed(1) : String(Math.round(value));
  return `${digits} ${UNITS[unit]}`;
}

/** A rate: `36 MiB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatSize(bytesPerSecond)}/s`;
}

/** The shortest exact form that an option accepts: 4194304 is `4M`, 65537 is `65537`. */
export function formatExactSize(bytes: number): string {
  const letters = ['', 'K', 'M', 'G', 'T'];
  let value = bytes;
  let unit = 0;
  while (value > 0 && value % 1024 === 0 && unit < letters.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value}${letters[unit]}`;
}
