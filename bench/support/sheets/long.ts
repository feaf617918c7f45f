import { cpuSeconds, maxRssMiB, rate, runs, seconds, timesOf } from '../columns.ts';
import { plainSocketsRow, rowNamed, type Sheet } from '../sheet.ts';
import { landingSentence, mib } from './sentences.ts';

export const longSheet: Sheet = {
  scene: 'long',
  title: 'A long way',
  measured: ({ bytes = 0, connections, roundTripMs, landsIn }) =>
    `An upload of ${mib(bytes)} over a line of ${roundTripMs} ms round trip without a limit of its rate. ` +
    `${landingSentence(landsIn)} mtput uses ${connections} connections; the others have one, which carries no more ` +
    'than a window a round trip. Plain sockets, as many as mtput has connections, show what the line itself lets through.',
  columns: ({ bytes = 0 }, rows) => [runs, seconds(2), timesOf('scp', rows), rate(bytes), cpuSeconds, maxRssMiB],
  firstRows: plainSocketsRow,
  bars: (rows) => [{ what: 'mtput', value: rowNamed(rows, 'mtput')?.seconds, atMost: 7.5, unit: ' s' }],
};
