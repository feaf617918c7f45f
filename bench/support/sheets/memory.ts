import { maxRssMiB, megabytes, memoryMb, runs, seconds } from '../columns.ts';
import { type Direction, programOf, sceneNamed, titled, transferWords } from '../direction.ts';
import { rowNamed, type Sheet } from '../sheet.ts';
import { landingSentence, mib } from './sentences.ts';

const OTHERS: Readonly<Record<Direction, string>> = {
  up: 'None of the other tools can do this.',
  down:
    'lftp (`pget -n`) and rclone have as many connections, over loopback; lftp starts an ssh for each of them, and its ' +
    'figure is that of its largest process alone.',
};

export function memorySheet(direction: Direction): Sheet {
  const program = programOf(direction);
  return {
    scene: sceneNamed('memory', direction),
    title: titled('Memory of many connections', direction),
    measured: ({ bytes = 0, connections, roundTripMs, landsIn }) =>
      `${transferWords(direction)} of ${mib(bytes)} over ${connections} connections. ${landingSentence(landsIn)} ` +
      'What counts is the most resident memory the process had (VmHWM), its threads included; MB are millions of ' +
      `bytes. The second row, over a line of ${roundTripMs} ms round trip, is for information. ${OTHERS[direction]}`,
    columns: () => [runs, memoryMb, maxRssMiB, seconds(2)],
    bars: (rows) => [
      { what: `${program} over loopback`, value: megabytes(rowNamed(rows, program)), atMost: 220, unit: ' MB' },
    ],
  };
}
