/** A plain table: the first column to the left, figures to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    widths
      .map((width, column) => {
        const cell = cells[column] ?? '';
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd();
  return [head, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('\n');
}

/** One row of figures of a tool: medians over its runs. */
export interface ToolFigures {
  readonly label: string;
  readonly runs: number;
  readonly seconds: number;
  /** Time ÷ limit. */
  readonly ratio: number;
  readonly bytesPerSecond: number;
  readonly cpuSeconds?: number | undefined;
  readonly maxRssMiB?: number | undefined;
}

export function timesTable(figures: readonly ToolFigures[]): string {
  const fixed = (value: number | undefined, digits: number): string => value?.toFixed(digits) ?? '-';
  return table(
    ['', 'runs', 'seconds', 'time ÷ limit', 'MB/s', 'CPU s', 'MiB'],
    figures.map((one) => [
      one.label,
      `${one.runs}`,
      fixed(one.seconds, 1),
      fixed(one.ratio, 2),
      fixed(one.bytesPerSecond / 1e6, 2),
      fixed(one.cpuSeconds, 1),
      fixed(one.maxRssMiB, 0),
    ]),
  );
}
