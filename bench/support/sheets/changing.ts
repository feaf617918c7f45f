import { type ChangingLine, changingLines } from '../changing-lines.ts';
import { cpuSeconds, quotients, rate, runs, seconds, timeRatio } from '../columns.ts';
import { type Direction, sceneNamed, titled, transferWords } from '../direction.ts';
import type { Row } from '../rows.ts';
import { rowNamed, type Sheet } from '../sheet.ts';
import { landingSentence } from './sentences.ts';

const HELD_BACK: Readonly<Record<Direction, string>> = { up: 'answers come', down: 'requests go' };

/** Time ÷ that of the same bytes on the line that does not change. */
function ofUnchanged({ name }: Row, rows: readonly Row[], lines: readonly ChangingLine[]): number | undefined {
  const { unchanged = name } = lines.find((line) => line.name === name) ?? {};
  return timeRatio(rowNamed(rows, name), rowNamed(rows, unchanged));
}

export function changingSheet(direction: Direction): Sheet {
  const lines = changingLines(direction);
  return {
    scene: sceneNamed('changing', direction),
    title: titled('Lines that change', direction),
    measured: ({ bytes = 0, landsIn }) =>
      `${transferWords(direction)} of ${bytes / 1e6} MB through lines whose round trip rises, falls or varies ` +
      `while the file is sent, over which no ${HELD_BACK[direction]} for some time, or which ten connections share in ` +
      'one queue. Each quotient is by the time on a line that stays as it was at first, or gives each connection its ' +
      `share. ${landingSentence(landsIn)}`,
    columns: ({ bytes = 0 }, rows) => [
      runs,
      seconds(2),
      quotients('÷ unchanged', (row) => ofUnchanged(row, rows, lines)),
      rate(bytes),
      cpuSeconds,
    ],
    bars: (rows) =>
      lines
        .filter(({ unchanged }) => unchanged !== undefined)
        .map(({ name, label }) => {
          const row = rowNamed(rows, name);
          return { what: label, value: row && ofUnchanged(row, rows, lines), atMost: 1.15 };
        }),
  };
}
