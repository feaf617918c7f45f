/** Options that exclude each other. What is typed beats what the environment sets; otherwise it is a usage error. */
import type { CopyError } from '../errors.ts';
import type { OptionValues } from './option-values.ts';
import type { OptionRow } from './options.ts';
import { usageError } from './usage-error.ts';

/** `given`: the options that were typed, by any of their names. */
export function settleContradictions(values: OptionValues, given: ReadonlySet<OptionRow>): void {
  const isTyped = (long: string) => [...given].some((row) => row.long === long);
  if (values.quiet && values.verbose > 0) {
    if (isTyped('--quiet') === isTyped('--verbose')) throw contradiction('-q', '-v');
    if (isTyped('--quiet')) values.verbose = 0;
    else values.quiet = false;
  }
  const excluded = [
    ['checksum', '--checksum'],
    ['ignoreExisting', '--ignore-existing'],
  ] as const;
  for (const [key, long] of excluded) {
    if (!values.force || !values[key]) continue;
    if (isTyped('--force') === isTyped(long)) throw contradiction('--force', long);
    if (isTyped('--force')) values[key] = false;
    else values.force = false;
  }
}

function contradiction(one: string, other: string): CopyError {
  return usageError(`${one} and ${other} contradict each other`, 'Leave one of them out.');
}
