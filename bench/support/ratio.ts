/** The time in which the line could have carried it: what every time is divided by. */
export function limitSeconds(bytes: number, connections: number, bytesPerSecond: number): number {
  return bytes / (connections * bytesPerSecond);
}

/** The middle one; the mean of both where there are two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Three decimals: more would be noise. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
