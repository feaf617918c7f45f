import { rate, runs, seconds, timeRatio, timesOf } from '../columns.ts';
import { rowNamed, type Sheet } from '../sheet.ts';

export const throttledSheet: Sheet = {
  scene: 'throttled',
  title: 'A server that delays writes by their offset',
  measured: ({ bytes = 0 }) =>
    `An upload of ${bytes / 1e6} MB to proftpd with \`TransferRate STOR 1000\`: mod_sftp makes each WRITE wait until its ` +
    'offset ÷ rate has passed since its connection opened the file.',
  columns: ({ bytes = 0 }, rows) => [runs, seconds(1), timesOf('scp', rows), rate(bytes)],
  bars: (rows) =>
    ['mtput-4', 'mtput-10'].map((name) => ({
      what: `${rowNamed(rows, name)?.label ?? name}, time ÷ scp`,
      value: timeRatio(rowNamed(rows, name), rowNamed(rows, 'scp')),
      atMost: 1.15,
    })),
};
