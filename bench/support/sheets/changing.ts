import { CHANGING_LINES } from '../changing-lines.ts';
import { cpuSeconds, quotients, rate, runs, seconds, timeRatio } from '../columns.ts';
import type { Row } from '../rows.ts';
import { rowNamed, type Sheet } from '../sheet.ts';
import { landingSentence } from './sentences.ts';

/** Time ÷ that of the same bytes on the line that does not change. */
function ofUnchanged({ name }: Row, rows: readonly Row[]): number | undefined {
  const { unchanged = name } = CHANGING_LINES.find((line) => line.name === name) ?? {};
  return timeRatio(rowNamed(rows, name), rowNamed(rows, unchanged));
}

export const changingSheet: Sheet = {
  scene: 'changing',
  title: 'Lines that change',
  measured: ({ bytes = 0, landsIn }) =>
    `An upload of ${bytes / 1e6} MB through lines whose round trip rises, falls or varies while the file is sent, over ` +
    'which no answers come for some time, or which ten connections share in one queue. Each quotient is by the time on a ' +
    `line that stays as it was at first, or gives each connection its share. ${landingSentence(landsIn)}`,
  columns: ({ bytes = 0 }, rows) => [
    runs,
    seconds(2),
    quotients('÷ unchanged', (row) => ofUnchanged(row, rows)),
    rate(bytes),
    cpuSeconds,
  ],
  bars: (rows) =>
    CHANGING_LINES.filter(({ unchanged }) => unchanged !== undefined).map(({ name, label }) => {
      const row = rowNamed(rows, name);
      return { what: label, value: row && ofUnchanged(row, rows), atMost: 1.15 };
    }),
};
