import { cpuSeconds, maxRssMiB, ofLimit, rate, runs, seconds } from '../columns.ts';
import { type Direction, programOf, sceneNamed, titled, transferWords } from '../direction.ts';
import { plainSocketsRow, rowNamed, type Sheet } from '../sheet.ts';
import { connectionsOfOthers } from './sentences.ts';

const AT_MOST: Readonly<Record<Direction, number>> = { up: 1.15, down: 1.08 };

export function shapedSheet(direction: Direction): Sheet {
  const program = programOf(direction);
  return {
    scene: sceneNamed('shaped', direction),
    title: titled('A line that is slow for each connection', direction),
    measured: ({ bytes = 0, connections, bytesPerSecondPerConnection = 0, roundTripMs, limitSeconds, plainSockets }) =>
      `${transferWords(direction)} of ${bytes / 1e6} MB through a line that gives each connection ` +
      `${bytesPerSecondPerConnection / 1e6} MB/s, ${roundTripMs} ms round trip. The limit is what ${connections} ` +
      `connections could carry: ${limitSeconds} s. Plain sockets reached ${plainSockets?.ofNominal} of the line. ` +
      // Uploads are beside tools with one connection alone.
      `${direction === 'down' ? `${program} has these connections; ${connectionsOfOthers(direction)}. ` : ''}` +
      'Time is that of the whole process, connecting included.',
    columns: ({ bytes = 0 }) => [runs, seconds(1), ofLimit, rate(bytes), cpuSeconds, maxRssMiB],
    firstRows: plainSocketsRow,
    bars: (rows) => [
      { what: `${program}, time ÷ limit`, value: rowNamed(rows, program)?.ratio, atMost: AT_MOST[direction] },
    ],
  };
}

const plain = shapedSheet('up');

/** The same line, by the other ways to make connections. */
export const shapedWaysSheet: Sheet = {
  ...plain,
  scene: 'shaped-ways',
  title: 'The same line, by the ssh of the system and over a jump host',
  bars: (rows) =>
    ['mtput-ssh', 'mtput-jump'].map((name) => ({
      what: `${name}, time ÷ limit`,
      value: rowNamed(rows, name)?.ratio,
      atMost: AT_MOST.up,
    })),
};
