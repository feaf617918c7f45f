import { cpuSeconds, filesPerSecond, maxRssMiB, megabytes, memoryMb, quotients, runs, seconds } from '../columns.ts';
import { DIRECTIONS, programOf } from '../direction.ts';
import { rowNamed, type Sheet } from '../sheet.ts';
import { landingSentence, treeWords } from './sentences.ts';

/** The runs of a program, one after the other. */
export const STAGES = ['first', 'again'] as const;
type Stage = (typeof STAGES)[number];

export function nameOf(program: string, stage: Stage): string {
  return `${program}-${stage}`;
}

export const againSheet: Sheet = {
  scene: 'again',
  title: 'Very many tiny files, and again',
  measured: ({ landsIn, ...facts }) =>
    `A ${treeWords(facts)} of 0 to 64 bytes is copied over loopback, up and ` +
    'down, with the default options. Then the same command is run again, and finds that everything is there. ' +
    `${landingSentence(landsIn)} MB are millions of bytes of the most resident memory the process had (VmHWM).`,
  columns: ({ files = 0 }) => [
    runs,
    seconds(2),
    quotients('÷ first', (row) => row.ratio),
    filesPerSecond(files),
    cpuSeconds,
    memoryMb,
    maxRssMiB,
  ],
  bars: (rows) =>
    DIRECTIONS.map(programOf).flatMap((program) => [
      { what: `${program}, again ÷ first`, value: rowNamed(rows, nameOf(program, 'again'))?.ratio, atMost: 0.1 },
      ...STAGES.map((stage) => ({
        what: `${program}, memory, ${stage}`,
        value: megabytes(rowNamed(rows, nameOf(program, stage))),
        atMost: 250,
        unit: ' MB',
      })),
    ]),
};
