import type { Choice } from './bench-arguments.ts';
import type { Run } from './rows.ts';
import { say } from './say.ts';

/** One of each, then again one of each: what disturbs the machine for a while disturbs all alike. */
export function inTurn<T>(items: readonly T[], runsOf: (item: T) => number): T[] {
  const most = Math.max(0, ...items.map(runsOf));
  return Array.from({ length: most }, (_, round) => items.filter((item) => runsOf(item) > round)).flat();
}

function usually({ tool, seconds }: Run): string {
  return `${tool}: ${seconds.toFixed(seconds < 1 ? 3 : 2)} s`;
}

/** Runs what was chosen in turn, and says each figure as it comes. */
export async function runInTurn<T>(
  { chosen, runsOf }: Choice<T>,
  runOnce: (item: T) => Promise<Run>,
  describe: (run: Run) => string = usually,
): Promise<Run[]> {
  const runs: Run[] = [];
  for (const item of inTurn(chosen, runsOf)) {
    const run = await runOnce(item);
    say(describe(run));
    runs.push(run);
  }
  return runs;
}
