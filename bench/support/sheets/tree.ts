import { cpuSeconds, filesPerSecond, maxRssMiB, runs, seconds, timeRatio, timesOf } from '../columns.ts';
import { type Direction, programOf, sceneNamed, titled, transferWords } from '../direction.ts';
import { rowNamed, type Sheet } from '../sheet.ts';
import { CUT_OFF_SENTENCE, landingSentence, treeWords } from './sentences.ts';

export function treeSheet(direction: Direction): Sheet {
  const program = programOf(direction);
  return {
    scene: sceneNamed('tree', direction),
    title: titled('A tree of files', direction),
    measured: ({ bytes = 0, landsIn, ...facts }) =>
      `${transferWords(direction)} of a ${treeWords(facts)} of 0 to 100 KB (${(bytes / 1e6).toFixed(0)} MB) over ` +
      `loopback. ${landingSentence(landsIn)} ${program} has no options beside those that reach the server, and copies ` +
      'modes and times, as rsync and lftp do; rclone copies times, scp and sftp neither. What ran took turns. ' +
      CUT_OFF_SENTENCE,
    columns: ({ files = 0 }, rows) => [
      runs,
      seconds(2),
      timesOf('rsync', rows),
      timesOf('rclone', rows),
      filesPerSecond(files),
      cpuSeconds,
      maxRssMiB,
    ],
    bars: (rows) => {
      const own = rowNamed(rows, program);
      const ofOther = (name: string): number | undefined => timeRatio(own, rowNamed(rows, name));
      return [
        { what: `${program}, time ÷ rsync`, value: ofOther('rsync'), atMost: 2 },
        { what: `${program}, time ÷ rclone`, value: ofOther('rclone'), atMost: 0.45 },
      ];
    },
  };
}
