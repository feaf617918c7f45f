import { ofLimit, runs, seconds, timeRatio } from '../columns.ts';
import { rowNamed, type Sheet } from '../sheet.ts';

export const slowSheet: Sheet = {
  scene: 'slow',
  title: 'A slow line for all connections together',
  measured: ({ bytes = 0, limitSeconds = 0, roundTripMs }) =>
    `An upload of ${bytes / 1e6} MB in pieces of 256 KiB through a line that has ${bytes / limitSeconds / 1e3} kB/s for all ` +
    `connections together, ${roundTripMs} ms round trip. Time is that of the whole process, connecting included.`,
  columns: () => [runs, seconds(1), ofLimit],
  bars: (rows) => [
    {
      what: 'mtput -n 10, time ÷ that of one connection',
      value: timeRatio(rowNamed(rows, 'mtput-10'), rowNamed(rows, 'mtput-1')),
      atMost: 1.15,
    },
  ],
};
