import { MAX_TIMER_MS } from '../util/max-timer.ts';
import { usageError } from './usage-error.ts';

const factors: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `text` as milliseconds: seconds, or a number with `ms`, `s`, `m`, `h` or `d`; at least `minMs`, at most 24 days. */
export function parseDuration(text: string, name: string, minMs: number): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/i.exec(text);
  if (!match)
    throw usageError(`${name} takes a duration, not '${text}'`, 'Write seconds, or a unit, as in 15s, 2m or 1h.');
  const ms = Math.round(Number(match[1]) * factors[(match[2] ?? 's').toLowerCase()]!);
  if (ms < minMs) throw usageError(`${name} ${text} is too short`, `Use at least ${minMs} ms.`);
  if (ms > MAX_TIMER_MS) throw usageError(`${name} ${text} is too long`, 'Use at most 24d.');
  return ms;
}

/** A duration as one would type it, in the largest unit of which it is a whole number: `15m`, `30s`, `0`. */
export function durationText(ms: number): string {
  if (ms === 0) return '0';
  const [unit, factor] = Object.entries(factors).findLast(([, factor]) => ms % factor === 0)!;
  return `${ms / factor}${unit}`;
}
