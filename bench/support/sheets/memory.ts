import { maxRssMiB, megabytes, memoryMb, runs, seconds } from '../columns.ts';
import { rowNamed, type Sheet } from '../sheet.ts';
import { landingSentence, mib } from './sentences.ts';

export const memorySheet: Sheet = {
  scene: 'memory',
  title: 'Memory of many connections',
  measured: ({ bytes = 0, connections, roundTripMs, landsIn }) =>
    `An upload of ${mib(bytes)} over ${connections} connections. ${landingSentence(landsIn)} What counts is the most ` +
    'resident memory the process had (VmHWM), its threads included; MB are millions of bytes. The second row, over a ' +
    `line of ${roundTripMs} ms round trip, is for information. None of the other tools can do this.`,
  columns: () => [runs, memoryMb, maxRssMiB, seconds(2)],
  bars: (rows) => [
    { what: 'mtput over loopback', value: megabytes(rowNamed(rows, 'mtput')), atMost: 220, unit: ' MB' },
  ],
};
