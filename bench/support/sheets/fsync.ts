import { millisecondsPerFile, runs, seconds } from '../columns.ts';
import type { Sheet } from '../sheet.ts';

export const fsyncSheet: Sheet = {
  scene: 'fsync',
  title: 'What fsync of a small file costs',
  measured: ({ files = 0, bytes = 0 }) =>
    `${files} new files of ${bytes / files / 1024} KiB are written to a disk by OpenSSH's sshd over loopback: OPEN, ` +
    'WRITE and CLOSE, with and without fsync@openssh.com before the CLOSE, one file at a time on each connection. ' +
    'Connecting is not measured. Where fifty small files take more than 5 ms each, a run goes on without fsync.',
  columns: ({ files = 0 }) => [runs, seconds(3), millisecondsPerFile(files)],
  bars: () => [],
};
