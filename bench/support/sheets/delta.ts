import { cpuSeconds, maxRssMiB, quotients, runs, seconds, sentMiB, timeRatio } from '../columns.ts';
import { DIRECTIONS, programOf } from '../direction.ts';
import type { Row } from '../rows.ts';
import { rowNamed, type Sheet } from '../sheet.ts';
import { landingSentence, mib } from './sentences.ts';

/** Names are CASE-DIRECTION. Some cases are compared with the time of one of them in the same direction. */
function ofCase(
  row: Row | undefined,
  cases: readonly string[],
  divisor: string,
  rows: readonly Row[],
): number | undefined {
  const [name = '', direction] = row?.name.split('-') ?? [];
  return cases.includes(name) ? timeRatio(row, rowNamed(rows, `${divisor}-${direction}`)) : undefined;
}

function ofRsync(row: Row | undefined, rows: readonly Row[]): number | undefined {
  return ofCase(row, ['changed', 'rsync'], 'rsync', rows);
}

function ofNew(row: Row | undefined, rows: readonly Row[]): number | undefined {
  return ofCase(row, ['changed', 'unlike', 'new'], 'new', rows);
}

export const deltaSheet: Sheet = {
  scene: 'delta',
  title: 'Over an older version',
  measured: ({ bytes = 0, missingBytes = 0, connections, bytesPerSecondPerConnection = 0, roundTripMs, landsIn }) =>
    `A file of ${mib(bytes)} is copied over an older version of it in which ${mib(missingBytes)}, three pieces, are ` +
    `different, up and down, through a line that gives each connection ${bytesPerSecondPerConnection / 1e6} MB/s, ` +
    `${roundTripMs} ms round trip. mtput and mtget have ${connections} connections, rsync has one, by ssh. Where nothing ` +
    'matches, the old file has the same size and other contents. What passed the line is counted in both directions. ' +
    `Client and server look at the file on the same processors. ${landingSentence(landsIn)} What ran took turns, one ` +
    'direction after the other.',
  columns: (_, rows) => [
    runs,
    seconds(2),
    quotients('÷ rsync', (row) => ofRsync(row, rows)),
    quotients('÷ no old file', (row) => ofNew(row, rows)),
    sentMiB,
    cpuSeconds,
    maxRssMiB,
  ],
  bars: (rows) =>
    DIRECTIONS.map((direction) => ({
      what: `${programOf(direction)}, nothing matches, time ÷ no old file`,
      value: ofNew(rowNamed(rows, `unlike-${direction}`), rows),
      atMost: 1.1,
    })),
};
