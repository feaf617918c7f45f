import { cpuPerGib, cpuRatio, maxRssMiB, quotients, runs, seconds, timeRatio } from '../columns.ts';
import type { Row } from '../rows.ts';
import { rowNamed, type Sheet } from '../sheet.ts';
import { landingSentence, mib } from './sentences.ts';

/** The row of the same server without verification. Names are SERVER-PROVIDER. */
function withoutDigests({ name }: Row, rows: readonly Row[]): Row | undefined {
  return rowNamed(rows, `${name.split('-', 1)[0]}-none`);
}

export const verifySheet: Sheet = {
  scene: 'verify',
  title: 'What digests cost',
  measured: ({ bytes = 0, cipher, connections, landsIn }) =>
    `The upload of ${mib(bytes)} over loopback with ${cipher} and ${connections} connections, as in the scene bulk, with ` +
    'each piece hashed here and on the server, and with --verify none. ' +
    `${landingSentence(landsIn)} The server hashes on the same processors: elsewhere it has its own. ` +
    'The processor time is that of mtput alone; each quotient is by the row of the same server without verification. ' +
    'What ran took turns.',
  columns: ({ bytes = 0 }, rows) => [
    runs,
    seconds(2),
    quotients('time ÷ none', (row) => timeRatio(row, withoutDigests(row, rows))),
    cpuPerGib(bytes),
    quotients('CPU ÷ none', (row) => cpuRatio(row, withoutDigests(row, rows))),
    maxRssMiB,
  ],
  bars: () => [],
};
