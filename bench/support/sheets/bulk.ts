import { cpuPerGib, cpuSecondsPerGib, maxRssMiB, runs, seconds, timeRatio, timesOf } from '../columns.ts';
import { rowNamed, type Sheet } from '../sheet.ts';
import { landingSentence, mib } from './sentences.ts';

export const bulkSheet: Sheet = {
  scene: 'bulk',
  title: 'As fast as the processor',
  measured: ({ bytes = 0, cipher, connections, landsIn }) =>
    `An upload of ${mib(bytes)} over loopback to OpenSSH's sshd, encrypted with ${cipher}. ${landingSentence(landsIn)} ` +
    `mtput uses ${connections} connections and no verification; the others have one. What ran took turns. ` +
    'The processor time is that of the client and what it started; MiB is the most memory one of its processes had.',
  columns: ({ bytes = 0 }, rows) => [runs, seconds(2), timesOf('scp', rows), cpuPerGib(bytes), maxRssMiB],
  bars: (rows, { bytes = 0 }) => {
    const mtput = rowNamed(rows, 'mtput');
    return [
      { what: 'mtput, time ÷ scp', value: timeRatio(mtput, rowNamed(rows, 'scp')), atMost: 0.9 },
      { what: 'mtput, processor time a GiB', value: cpuSecondsPerGib(mtput, bytes), atMost: 1.3, unit: ' s' },
    ];
  },
};
