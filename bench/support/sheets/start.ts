import { milliseconds, runs, timeRatio, timesOf } from '../columns.ts';
import { rowNamed, type Sheet } from '../sheet.ts';

export const startSheet: Sheet = {
  scene: 'start',
  title: 'Start',
  measured: () =>
    'How long a program takes that has next to nothing to do: to say its version, or to upload a file of one byte over ' +
    'loopback. Time is that of the whole process; what ran took turns.',
  columns: (_, rows) => [runs, milliseconds, timesOf('node', rows), timesOf('scp', rows)],
  bars: (rows) => [
    {
      what: 'mtput --version ÷ node -e 0',
      value: timeRatio(rowNamed(rows, 'version'), rowNamed(rows, 'node')),
      atMost: 1.7,
    },
    { what: 'a byte, mtput ÷ scp', value: timeRatio(rowNamed(rows, 'mtput'), rowNamed(rows, 'scp')), atMost: 2.5 },
  ],
};
