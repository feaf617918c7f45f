import { parseArgs } from 'node:util';

/** What of a scene is run, and how often. */
export interface Choice<T> {
  readonly chosen: readonly T[];
  readonly runsOf: (item: T) => number;
  /** Nothing was left out by `--only`: the results may be kept. */
  readonly complete: boolean;
}

/** Takes `--NAME VALUE`, which some scenes have, out of the arguments that all of them have. */
export function takeOption(
  args: readonly string[],
  name: string,
): { readonly value: string | undefined; readonly rest: readonly string[] } {
  const index = args.indexOf(`--${name}`);
  if (index < 0) return { value: undefined, rest: args };
  const value = args[index + 1];
  if (value === undefined) throw new Error(`--${name} takes a value`);
  return { value, rest: args.toSpliced(index, 2) };
}

/** Reads `--only NAME,NAME` and `--runs N`. `usual` is how often each runs without `--runs`. */
export function chooseRuns<T extends { readonly name: string }>(
  args: readonly string[],
  items: readonly T[],
  usual: (item: T) => number,
): Choice<T> {
  const { values } = parseArgs({ args: [...args], options: { only: { type: 'string' }, runs: { type: 'string' } } });
  const names = values.only?.split(',') ?? items.map(({ name }) => name);
  const unknown = names.filter((name) => !items.some((item) => item.name === name));
  if (unknown.length > 0) throw new Error(`Not in this scene, or not installed: ${unknown.join(', ')}`);
  const runs = values.runs === undefined ? undefined : Number(values.runs);
  if (runs !== undefined && !(Number.isSafeInteger(runs) && runs > 0)) throw new Error('--runs takes a number from 1');
  const chosen = items.filter(({ name }) => names.includes(name));
  return { chosen, runsOf: (item) => runs ?? usual(item), complete: chosen.length === items.length };
}
