import { cpuSeconds, maxRssMiB, quotients, runs, seconds, sentMiB } from '../columns.ts';
import type { Row } from '../rows.ts';
import { rowNamed, type Sheet } from '../sheet.ts';
import { landingSentence, mib } from './sentences.ts';

/** Time ÷ that of both digests one after the other, or of sending what is missing, whichever is more. */
function ofLimit(row: Row | undefined, rows: readonly Row[]): number | undefined {
  const digests = rowNamed(rows, 'digests');
  const missing = rowNamed(rows, 'missing');
  if (row === undefined || digests === undefined || missing === undefined) return undefined;
  return row.seconds / Math.max(digests.seconds, missing.seconds);
}

export const resumeSheet: Sheet = {
  scene: 'resume',
  title: 'Run it again',
  measured: ({ bytes = 0, missingBytes = 0, cipher, connections, landsIn }) =>
    `An upload of ${mib(bytes)} over loopback to OpenSSH's sshd with ${cipher} and ${connections} connections was killed ` +
    `when ${((100 * missingBytes) / bytes).toFixed(1)} % of it were missing; each run begins with what it left. The ` +
    'digests of what is there are made by the shell of the server, on the same processors. The limit is the time of ' +
    'openssl for both digests one after the other, or that of sending as much as is missing, whichever is more. Without ' +
    'a journal mtput looks twice, 3 s apart, whether another machine is at work on the partial file. ' +
    `${landingSentence(landsIn)} What ran took turns.`,
  columns: (_, rows) => [
    runs,
    seconds(2),
    quotients('time ÷ limit', (row) => ofLimit(row, rows)),
    sentMiB,
    cpuSeconds,
    maxRssMiB,
  ],
  bars: (rows) => [{ what: 'run again, time ÷ limit', value: ofLimit(rowNamed(rows, 'resume'), rows), atMost: 1.4 }],
};
