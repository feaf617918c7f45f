import { cpuSeconds, filesPerSecond, maxRssMiB, runs, seconds } from '../columns.ts';
import { type Direction, programOf, sceneNamed, titled, transferWords } from '../direction.ts';
import { plainSocketsRow, rowNamed, type Sheet } from '../sheet.ts';
import { CUT_OFF_SENTENCE, landingSentence, treeWords } from './sentences.ts';

export function smallSheet(direction: Direction): Sheet {
  const program = programOf(direction);
  return {
    scene: sceneNamed('small', direction),
    title: titled('Many small files, a long way', direction),
    measured: ({ bytes = 0, connections, roundTripMs, landsIn, ...facts }) =>
      `${transferWords(direction)} of a ${treeWords(facts)} of 4 KiB (${(bytes / 1e6).toFixed(1)} MB) over a line of ` +
      `${roundTripMs} ms round trip without a limit of its rate. ${landingSentence(landsIn)} ${program} has ` +
      `${connections} connections and copies modes and times, as rsync and lftp do; rclone copies times, sftp neither. ` +
      `Plain sockets, as many as ${program} has connections, show how long the bytes alone take. ${CUT_OFF_SENTENCE}`,
    columns: ({ files = 0 }) => [runs, seconds(2), filesPerSecond(files), cpuSeconds, maxRssMiB],
    firstRows: plainSocketsRow,
    bars: (rows) => [{ what: program, value: rowNamed(rows, program)?.seconds, atMost: 5, unit: ' s' }],
  };
}
