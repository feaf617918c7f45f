import { type Choice, chooseRuns, takeOption } from '../bench-arguments.ts';
import type { TreePlan } from './generated-tree.ts';

/** What of a scene is run, and with which tree. */
export interface TreeChoice<T> extends Choice<T> {
  readonly plan: TreePlan;
}

/**
 * Reads `--files N` beside what every scene knows: the same tree with fewer files, to try the scene; its results are
 * not kept.
 */
export function chooseTreeRuns<T extends { readonly name: string }>(
  args: readonly string[],
  usualPlan: TreePlan,
  items: readonly T[],
  usual: (item: T) => number,
): TreeChoice<T> {
  const { value, rest } = takeOption(args, 'files');
  const choice = chooseRuns(rest, items, usual);
  if (value === undefined) return { ...choice, plan: usualPlan };
  const files = Number(value);
  if (!(Number.isSafeInteger(files) && files > 0)) throw new Error('--files takes a number from 1');
  const directories = Math.max(1, Math.round((usualPlan.directories * files) / usualPlan.files));
  return { ...choice, complete: false, plan: { ...usualPlan, files, directories } };
}
