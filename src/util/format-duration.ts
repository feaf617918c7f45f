/** Durations for people. */

/** `ms` (≥ 0) in at most two units: `0.3 s`, `34 s`, `2 min 5 s`, `1 h 2 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  const clamped = Math.max(0, ms);
  return clamped < 9_950 ? `${(clamped / 1000).toFixed(1)} s` : formatWholeSeconds(clamped);
}

/** Time left, in whole seconds; `--` while it is not known. */
export function formatEta(ms: number | undefined): string {
  return ms === undefined || !Number.isFinite(ms) ? '--' : formatWholeSeconds(Math.max(0, ms));
}

function formatWholeSeconds(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (minutes === 0) return `${seconds} s`;
  if (hours === 0) return `${minutes} min ${seconds % 60} s`;
  if (days === 0) return `${hours} h ${minutes % 60} min`;
  return `${days} d ${hours % 24} h`;
}
