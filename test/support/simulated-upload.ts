import { FlowMemory } from '../../src/remotes/sftp/flow-memory.ts';
import { FlowWindow } from '../../src/remotes/sftp/flow-window.ts';
import type { SftpSession } from '../../src/remotes/sftp/session.ts';
import { SliceWriter } from '../../src/remotes/sftp/slice-writer.ts';
import { type LineConnection, type LineOptions, SimulatedLine } from './simulated-line.ts';
import { VirtualTime } from './virtual-time.ts';

export interface SimulatedUploadOptions {
  readonly line: LineOptions;
  readonly connections: number;
  readonly bytes: number;
  readonly seed?: number;
  /** Connections begin so long after one another. */
  readonly apartMs?: number;
  readonly maxRequest?: number;
  readonly memory?: FlowMemory;
  /** When virtual time is over, with or without all bytes. */
  readonly untilMs?: number;
  /** Called every 10 ms. */
  readonly watch?: (atMs: number, windows: readonly FlowWindow[]) => void;
}

export interface SimulatedUpload {
  readonly seconds: number;
  /** Of all connections when the last byte was taken: what nobody can take back or give to another connection. */
  readonly inFlightAtEnd: number;
  /** The most that was ever in flight on one connection. */
  readonly mostInFlight: number;
  readonly requests: number;
}

/** What the slice writer needs of a session: nothing is filled, and nothing but time passes. */
function sessionOver(connection: LineConnection, sent: () => void): SftpSession {
  const session = {
    fittingWriteLength: (_: Uint8Array, wanted: number) => wanted,
    allocateWrite: () => ({ views: [] }),
    sendWrites: (parts: readonly { readonly length: number }[]) =>
      parts.map(({ length }) => {
        sent();
        return connection.request(length);
      }),
  };
  return session as unknown as SftpSession;
}

/** Carries so many bytes over a simulated line with the real slice writers and flow windows. */
export async function simulateUpload(options: SimulatedUploadOptions): Promise<SimulatedUpload> {
  const {
    line,
    connections,
    bytes,
    seed = 1,
    apartMs = 20,
    maxRequest = 261_120,
    memory = new FlowMemory(),
    watch,
  } = options;
  const { untilMs = 10 * 60_000 } = options;
  const time = new VirtualTime();
  const simulated = new SimulatedLine(time, line, seed);
  const now = (): number => time.nowMs;
  const windows = Array.from(
    { length: connections },
    () => new FlowWindow({ maxRequest, requests: 'auto', now, memory }),
  );
  let taken = 0;
  let acknowledged = 0;
  let endMs = 0;
  let inFlightAtEnd = 0;
  let mostInFlight = 0;
  let requests = 0;
  const slices = {
    take: (maxLength: number) => {
      const length = Math.min(maxLength, bytes - taken);
      if (length === 0) return undefined;
      const range = { offset: taken, length };
      taken += length;
      return range;
    },
  };
  const calls: Promise<void>[] = [];
  for (const [index, window] of windows.entries()) {
    const session = sessionOver(simulated.connect(), () => {
      requests++;
      mostInFlight = Math.max(mostInFlight, window.inFlight);
      if (taken === bytes) inFlightAtEnd = windows.reduce((sum, one) => sum + one.inFlight, 0);
    });
    const writer = new SliceWriter(session, window, new Uint8Array(4));
    time.at(index * apartMs, () => {
      const write = writer.write(
        slices,
        async () => {},
        ({ length }) => {
          acknowledged += length;
          if (acknowledged === bytes) endMs = time.nowMs;
        },
      );
      calls.push(write);
    });
  }
  if (watch !== undefined) {
    const step = (): void => {
      watch(time.nowMs, windows);
      if (acknowledged < bytes && time.nowMs < untilMs) time.at(time.nowMs + 10, step);
    };
    time.at(0, step);
  }
  await time.run(untilMs);
  if (acknowledged < bytes) throw new Error(`Only ${acknowledged} of ${bytes} bytes arrived in ${untilMs} ms`);
  await Promise.all(calls);
  return { seconds: endMs / 1000, inFlightAtEnd, mostInFlight, requests };
}
