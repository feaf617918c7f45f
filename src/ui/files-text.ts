/** A number of files in words: `1,234 files`. */
export function filesText(count: number): string {
  return `${countText(count)} file${count === 1 ? '' : 's'}`;
}

export function countText(count: number): string {
  return count.toLocaleString('en');
}
