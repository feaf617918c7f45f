import { usageError } from './usage-error.ts';

/** A whole number from `min` to `max`; usage error otherwise. `what` says what is counted. */
export function parseNumber(text: string, name: string, what: string, min: number, max: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw usageError(`${name} takes ${what}, not '${text}'`, `Use a whole number from ${min} to ${max}.`);
}

/** One of `choices`; the usage error names them. */
export function parseChoice<T extends string>(text: string, name: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  throw usageError(`${name} has no value '${text}'`, `The values are ${choices.join(', ')}.`);
}
