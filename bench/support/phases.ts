// Where the time of a run goes, seen from the line: what passed through the proxy, and when.
export interface LineSample {
  /** Since the program was started. */
  readonly seconds: number;
  /** What has passed on each of them in the direction of the file. */
  readonly connections: readonly { readonly index: number; readonly bytes: number }[];
}

/** In seconds since the program was started, unless said otherwise. */
export interface Phases {
  /** The first connection carries data. */
  readonly firstData: number;
  /** All of them do. */
  readonly allSend: number;
  /** The first of them has nothing more to carry. */
  readonly firstIdle: number;
  /** The last one has. */
  readonly lastData: number;
  /** The program ends. */
  readonly end: number;
  /** How long the line of a connection was idle between its first and its last data, on average; a duration. */
  readonly idleWithin: number;
  /** Bytes beyond the file's own: SSH, SFTP, what was sent twice. */
  readonly overheadBytes: number;
}

/** Handshakes and the small requests around a transfer stay below these. */
const HANDSHAKE_BYTES = 16 * 1024;
const CLOSING_BYTES = 4 * 1024;

/** Undefined where no data passed. */
export function phasesOf(
  samples: readonly LineSample[],
  file: { readonly bytes: number; readonly bytesPerSecond: number; readonly end: number },
): Phases | undefined {
  const last = samples.at(-1)?.connections ?? [];
  const spans = last
    .filter(({ bytes }) => bytes > HANDSHAKE_BYTES)
    .map(({ index, bytes: total }) => {
      const at = (least: number): number =>
        samples.find(({ connections }) => (connections[index]?.bytes ?? 0) >= least)?.seconds ?? 0;
      return { total, begin: at(HANDSHAKE_BYTES), end: at(total - CLOSING_BYTES) };
    });
  if (spans.length === 0) return undefined;
  const idle = spans.map(({ total, begin, end }) => end - begin - (total - HANDSHAKE_BYTES) / file.bytesPerSecond);
  return {
    firstData: Math.min(...spans.map(({ begin }) => begin)),
    allSend: Math.max(...spans.map(({ begin }) => begin)),
    firstIdle: Math.min(...spans.map(({ end }) => end)),
    lastData: Math.max(...spans.map(({ end }) => end)),
    end: file.end,
    idleWithin: Math.max(0, idle.reduce((sum, one) => sum + one, 0) / idle.length),
    overheadBytes: last.reduce((sum, { bytes }) => sum + bytes, 0) - file.bytes,
  };
}

/** One line for people. */
export function phasesLine(phases: Phases): string {
  const { firstData, allSend, firstIdle, lastData, end, idleWithin, overheadBytes } = phases;
  const seconds = (value: number): string => `${value.toFixed(2)} s`;
  return [
    `first data ${seconds(firstData)}`,
    `all send ${seconds(allSend)}`,
    `first idle ${seconds(firstIdle)}`,
    `last data ${seconds(lastData)}`,
    `end ${seconds(end)}`,
    `idle in between ${seconds(idleWithin)}`,
    `overhead ${(overheadBytes / 1e6).toFixed(2)} MB`,
  ].join(', ');
}
