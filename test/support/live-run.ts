/**
 * A run that is watched while it goes on, so that a test can strike at a moment it chose. To be started while
 * a test runs; it ends with it.
 */
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import type { TransferEvent } from '../../src/engine/events.ts';
import {
  type DownloadFrom,
  type JsonRun,
  type ProgramOptions,
  startMtget,
  startMtput,
  type UploadTo,
} from './mtput.ts';
import type { RunningProcess } from './process.ts';
import { waitFor } from './wait-for.ts';

type Type = TransferEvent['type'];
type EventOf<T extends Type> = Extract<TransferEvent, { type: T }>;

export interface LiveRun {
  readonly pid: number;
  /** Everything it has told so far. */
  readonly events: readonly TransferEvent[];
  /** Waits for an event of this type that fits; fails when the run ends without one. */
  event<T extends Type>(type: T, fits?: (event: EventOf<T>) => boolean): Promise<EventOf<T>>;
  /** SIGKILL unless another is named. */
  kill(signal?: NodeJS.Signals): void;
  /** Waits for its end; one that takes too long is killed and reported. */
  end(timeoutMs?: number): Promise<JsonRun>;
}

export async function startLiveRun(
  sources: readonly string[],
  to: UploadTo,
  more: readonly string[] = [],
  program: ProgramOptions = {},
): Promise<LiveRun> {
  return watch(await startMtput(sources, to, ['--json', ...more], program));
}

/** The same of mtget. */
export async function startLiveDownload(
  from: DownloadFrom,
  target: string,
  more: readonly string[] = [],
  program: ProgramOptions = {},
): Promise<LiveRun> {
  return watch(await startMtget(from, target, ['--json', ...more], program));
}

/** Of a program that prints events. */
function watch({ child, pid, exited, stop }: RunningProcess): LiveRun {
  onTestFinished(async () => void (await stop('SIGKILL')));
  const events: TransferEvent[] = [];
  const stderr: string[] = [];
  let ended = false;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => stderr.push(text));
  const lines = createInterface({ input: child.stdout! });
  lines.on('line', (line) => events.push(JSON.parse(line) as TransferEvent));
  const closed = new Promise<void>((resolve) => lines.once('close', resolve)).then(() => {
    ended = true;
  });

  async function event<T extends Type>(type: T, fits: (event: EventOf<T>) => boolean = () => true) {
    const isWanted = (one: TransferEvent): one is EventOf<T> => one.type === type && fits(one as EventOf<T>);
    const what = `a ${type} event`;
    const found = await waitFor(() => events.find(isWanted) ?? ended, { what, timeoutMs: 60_000, pollMs: 2 });
    if (found !== true) return found as EventOf<T>;
    throw new Error(`The run ended without ${what}: ${stderr.join('')}`);
  }

  async function end(timeoutMs = 60_000): Promise<JsonRun> {
    const timer = setTimeout(() => void stop('SIGKILL'), timeoutMs);
    const startedAt = performance.now();
    const exit = await exited;
    await closed;
    clearTimeout(timer);
    if (performance.now() - startedAt >= timeoutMs) {
      throw new Error(`It was killed after ${timeoutMs} ms. It told: ${JSON.stringify(events.slice(-20))}`);
    }
    return { ...exit, stdout: '', stderr: stderr.join(''), events };
  }

  return { pid, events, event, kill: (signal = 'SIGKILL') => void child.kill(signal), end };
}
