import { quotients, runs, seconds } from '../columns.ts';
import { rowNamed, type Sheet } from '../sheet.ts';

export const cutsSheet: Sheet = {
  scene: 'cuts',
  title: 'Cut off again and again',
  measured: ({ bytes = 0, connections, bytesPerSecondPerConnection = 0 }) =>
    `An upload of ${bytes / 1e6} MB to OpenSSH's internal-sftp, which runs no commands and so cannot hash, over ` +
    `${connections} connections of ${bytesPerSecondPerConnection / 1e6} MB/s each. Runs are killed 2.5 s after their ` +
    'start, and the same command is run again; the last one comes to the end. What was sent is counted on the line, ' +
    'over all runs; the seconds are those of the last one. What ran took turns.',
  columns: () => [runs, quotients('sent ÷ file', ({ ratio }) => ratio), seconds(1)],
  bars: (rows) => [{ what: 'three cuts, sent ÷ file', value: rowNamed(rows, 'cuts')?.ratio, atMost: 1.45 }],
};
