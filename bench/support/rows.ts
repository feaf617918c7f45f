import type { Phases } from './phases.ts';
import { median } from './ratio.ts';

/** One run, as it stands in a results file. */
export interface Run {
  /** Name of what ran. */
  readonly tool: string;
  readonly seconds: number;
  /** Time ÷ limit, where the scene has a limit. */
  readonly ratio?: number;
  readonly cpuSeconds?: number;
  readonly maxRssMiB?: number;
  /** Of the file, where the program tells. */
  readonly bytesSent?: number;
  /** It was killed after `seconds`, because it may not take longer. */
  readonly isCutOff?: true;
  readonly phases?: Phases;
}

const MEASURED = ['seconds', 'ratio', 'cpuSeconds', 'maxRssMiB', 'bytesSent'] as const;

/** The medians over the runs of one tool; what was not measured is not there. */
export interface Row {
  readonly name: string;
  /** How it is described in a table. */
  readonly label: string;
  readonly runs: number;
  readonly seconds: number;
  readonly ratio?: number;
  readonly cpuSeconds?: number;
  readonly maxRssMiB?: number;
  readonly bytesSent?: number;
  /** At least one run was killed because it took longer than it may. */
  readonly isCutOff?: true;
}

/** A row for each that ran, in the order given. */
export function rowsOf(
  items: readonly { readonly name: string; readonly label: string }[],
  runs: readonly Run[],
): Row[] {
  return items.flatMap(({ name, label }) => {
    const own = runs.filter((run) => run.tool === name);
    if (own.length === 0) return [];
    const medians = MEASURED.flatMap((key) => {
      const known = own.map((run) => run[key]).filter((value) => value !== undefined);
      return known.length === 0 ? [] : [[key, median(known)] as const];
    });
    const seconds = median(own.map((run) => run.seconds));
    const cutOff = own.some(({ isCutOff }) => isCutOff) ? { isCutOff: true as const } : {};
    return [{ name, label, runs: own.length, seconds, ...Object.fromEntries(medians), ...cutOff }];
  });
}
