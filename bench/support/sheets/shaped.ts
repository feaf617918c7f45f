import { cpuSeconds, maxRssMiB, ofLimit, rate, runs, seconds } from '../columns.ts';
import { plainSocketsRow, rowNamed, type Sheet } from '../sheet.ts';

export const shapedSheet: Sheet = {
  scene: 'shaped',
  title: 'A line that is slow for each connection',
  measured: ({ bytes = 0, connections, bytesPerSecondPerConnection = 0, roundTripMs, limitSeconds, plainSockets }) =>
    `An upload of ${bytes / 1e6} MB through a line that gives each connection ${bytesPerSecondPerConnection / 1e6} MB/s, ` +
    `${roundTripMs} ms round trip. The limit is what ${connections} connections could carry: ${limitSeconds} s. ` +
    `Plain sockets reached ${plainSockets?.ofNominal} of the line. Time is that of the whole process, connecting included.`,
  columns: ({ bytes = 0 }) => [runs, seconds(1), ofLimit, rate(bytes), cpuSeconds, maxRssMiB],
  firstRows: plainSocketsRow,
  bars: (rows) => [{ what: 'mtput, time ÷ limit', value: rowNamed(rows, 'mtput')?.ratio, atMost: 1.15 }],
};
