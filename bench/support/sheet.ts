import { type Bar, barLine } from './bars.ts';
import { type Column, label } from './columns.ts';
import type { Row } from './rows.ts';
import { rowsFrom, type SceneResults } from './scene-results.ts';
import { table } from './table.ts';

/** How the results of a scene are shown and judged: on the terminal and in docs/BENCHMARKS.md alike. */
export interface Sheet {
  readonly scene: string;
  readonly title: string;
  /** What was measured, in sentences. */
  readonly measured: (results: SceneResults) => string;
  /** Beside the first one, which is the label. */
  readonly columns: (results: SceneResults, rows: readonly Row[]) => readonly Column[];
  /** Rows above those of the tools. */
  readonly firstRows?: (results: SceneResults) => readonly Row[];
  readonly bars: (rows: readonly Row[], results: SceneResults) => readonly Bar[];
}

export interface Shown {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly bars: readonly string[];
}

export function show(sheet: Sheet, results: SceneResults): Shown {
  const tools = rowsFrom(results);
  const columns = [label, ...sheet.columns(results, tools)];
  const rows = [...(sheet.firstRows?.(results) ?? []), ...tools];
  return {
    head: columns.map(({ head }) => head),
    rows: rows.map((row) => columns.map(({ cell }) => cell(row))),
    bars: sheet.bars(tools, results).map(barLine),
  };
}

export function plainSheet(sheet: Sheet, results: SceneResults): string {
  const { head, rows, bars } = show(sheet, results);
  return [table(head, rows), ...(bars.length > 0 ? ['', ...bars] : [])].join('\n');
}

export function rowNamed(rows: readonly Row[], name: string): Row | undefined {
  return rows.find((row) => row.name === name);
}

/** The row of plain sockets, where the scene begins with them. */
export function plainSocketsRow({ plainSockets, limitSeconds }: SceneResults): Row[] {
  if (plainSockets === undefined) return [];
  const { seconds } = plainSockets;
  const ratio = limitSeconds === undefined ? {} : { ratio: seconds / limitSeconds };
  return [{ name: 'plain-sockets', label: 'plain sockets', runs: 1, seconds, ...ratio }];
}
