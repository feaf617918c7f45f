import { cpuMilliseconds, maxRssMiB, megabytes, runs } from '../columns.ts';
import { rowNamed, type Sheet } from '../sheet.ts';

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
  bars: (rows) => {
    const row = rowNamed(rows, 'million-files');
    return [
      { what: 'a million files', value: row?.seconds, atMost: 60, unit: ' s' },
      { what: 'a million files, memory', value: megabytes(row), atMost: 250, unit: ' MB' },
    ];
  },
};
