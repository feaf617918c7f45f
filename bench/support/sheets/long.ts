import { cpuSeconds, maxRssMiB, rate, runs, seconds, timesOf } from '../columns.ts';
import { type Direction, programOf, sceneNamed, titled, transferWords } from '../direction.ts';
import { plainSocketsRow, rowNamed, type Sheet } from '../sheet.ts';
import { connectionsOfOthers, landingSentence, mib } from './sentences.ts';

export function longSheet(direction: Direction): Sheet {
  const program = programOf(direction);
  return {
    scene: sceneNamed('long', direction),
    title: titled('A long way', direction),
    measured: ({ bytes = 0, connections, roundTripMs, landsIn }) =>
      `${transferWords(direction)} of ${mib(bytes)} over a line of ${roundTripMs} ms round trip without a limit of ` +
      `its rate. ${landingSentence(landsIn)} ${program} uses ${connections} connections; ` +
      `${connectionsOfOthers(direction)}, which carries no more than a window a round trip. Plain sockets, as many as ` +
      `${program} has connections, show what the line itself lets through.`,
    columns: ({ bytes = 0 }, rows) => [runs, seconds(2), timesOf('scp', rows), rate(bytes), cpuSeconds, maxRssMiB],
    firstRows: plainSocketsRow,
    bars: (rows) => [{ what: program, value: rowNamed(rows, program)?.seconds, atMost: 7.5, unit: ' s' }],
  };
}
