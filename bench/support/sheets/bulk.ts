import { cpuPerGib, cpuSecondsPerGib, maxRssMiB, runs, seconds, timeRatio, timesOf } from '../columns.ts';
import { type Direction, programOf, sceneNamed, titled, transferWords } from '../direction.ts';
import { rowNamed, type Sheet } from '../sheet.ts';
import { connectionsOfOthers, landingSentence, mib } from './sentences.ts';

const AT_MOST_OF_SCP: Readonly<Record<Direction, number>> = { up: 0.9, down: 1 };
const TO_OR_FROM: Readonly<Record<Direction, string>> = { up: 'to', down: 'from' };

export function bulkSheet(direction: Direction): Sheet {
  const program = programOf(direction);
  return {
    scene: sceneNamed('bulk', direction),
    title: titled('As fast as the processor', direction),
    measured: ({ bytes = 0, cipher, connections, landsIn }) =>
      `${transferWords(direction)} of ${mib(bytes)} over loopback ${TO_OR_FROM[direction]} OpenSSH's sshd, ` +
      `encrypted with ${cipher}. ${landingSentence(landsIn)} ${program} uses ${connections} connections and no ` +
      `verification; ${connectionsOfOthers(direction)}. What ran took turns. ` +
      'The processor time is that of the client and what it started; MiB is the most memory one of its processes had.',
    columns: ({ bytes = 0 }, rows) => [runs, seconds(2), timesOf('scp', rows), cpuPerGib(bytes), maxRssMiB],
    bars: (rows, { bytes = 0 }) => {
      const own = rowNamed(rows, program);
      const ofScp = timeRatio(own, rowNamed(rows, 'scp'));
      const secondsPerGib = cpuSecondsPerGib(own, bytes);
      return [
        { what: `${program}, time ÷ scp`, value: ofScp, atMost: AT_MOST_OF_SCP[direction] },
        ...(direction === 'up'
          ? [{ what: `${program}, processor time a GiB`, value: secondsPerGib, atMost: 1.3, unit: ' s' }]
          : []),
      ];
    },
  };
}
