import { cpuMilliseconds, maxRssMiB, runs } from '../columns.ts';
import type { Sheet } from '../sheet.ts';

export const engineSheet: Sheet = {
  scene: 'engine',
  title: 'The engine alone',
  measured: () =>
    'What the copy itself costs beside the bytes: the parts of the engine work on 1 TiB in 16,384 pieces, on 1,024 ' +
    'connections, or on 100,000 small files, and no byte is read, hashed or sent. A whole run has everything but the ' +
    'bytes: connections, jobs, ranges, verification, progress. The upload opens a local file 100,000 times and sends it ' +
    'to a server in memory, which keeps its size. Each row is a process of its own; the first one does nothing. The ' +
    'time is that of the processor.',
  columns: () => [runs, cpuMilliseconds, maxRssMiB],
  bars: () => [],
};
