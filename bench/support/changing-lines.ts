import type { RunningProxy } from '../../test/support/proxy.ts';
import type { Direction } from './direction.ts';
import type { Line } from './transfer-scene.ts';

const MB = 1_000_000;

/** A line, and what happens to it while a file is sent. */
export interface ChangingLine {
  readonly name: string;
  readonly label: string;
  readonly connections: number;
  readonly line: Line;
  /** Name of the line that is the same, but does not change. Undefined: this is one. */
  readonly unchanged?: string;
  /** Begins with the transfer. Returns what ends the changes. */
  readonly change?: Change;
}

type Change = (proxy: RunningProxy) => () => void;

/** What the proxy is asked for after the last run does not matter. */
function ignore(request: Promise<unknown>): void {
  request.catch(() => {});
}

function later(afterMs: number, action: (proxy: RunningProxy) => Promise<void>): Change {
  return (proxy) => {
    const timer = setTimeout(() => ignore(action(proxy)), afterMs);
    return () => clearTimeout(timer);
  };
}

/** The delay each way, in milliseconds, as a function of time. */
function delayed(delayMs: (atMs: number) => number): Change {
  return (proxy) => {
    const begin = performance.now();
    const timer = setInterval(() => {
      ignore(proxy.reshape('all', { delayMs: delayMs(performance.now() - begin) }));
    }, 50);
    return () => clearInterval(timer);
  };
}

/** What goes one way stays away for a time, then all of it comes at once. */
function silent(which: Direction, forMs: number, everyMs: number): Change {
  return (proxy) => {
    let resume: NodeJS.Timeout | undefined;
    const timer = setInterval(() => {
      ignore(proxy.stall('all', which));
      resume = setTimeout(() => ignore(proxy.resume('all')), forMs);
    }, everyMs);
    return () => {
      clearInterval(timer);
      clearTimeout(resume);
      ignore(proxy.resume('all'));
    };
  };
}

const near = { connections: 4, line: { bytesPerSecond: 5 * MB, delayMs: 10 } };
const far = { connections: 4, line: { bytesPerSecond: 5 * MB, delayMs: 50 } };

/**
 * While a line is silent, it holds back what goes against the data: the answers of an upload, the requests of a
 * download. The data would be a line that stands still, over which no program can be faster.
 */
const SILENT: Readonly<Record<Direction, { readonly which: Direction; readonly label: string }>> = {
  up: { which: 'down', label: '20 ms, every 10 s no answers for 1 s' },
  down: { which: 'up', label: '20 ms, every 10 s no requests for 1 s' },
};

export function changingLines(direction: Direction): ChangingLine[] {
  return [
    { name: 'near', label: '4 × 5 MB/s, 20 ms', ...near },
    {
      name: 'rises',
      label: '20 ms, after 2 s 100 ms',
      unchanged: 'near',
      ...near,
      change: later(2000, (proxy) => proxy.reshape('all', { delayMs: 50 })),
    },
    {
      name: 'varies',
      label: '10 to 30 ms in waves of 5 s',
      unchanged: 'near',
      ...near,
      change: delayed((atMs) => 10 + 5 * Math.sin((2 * Math.PI * atMs) / 5000)),
    },
    {
      name: 'silent',
      label: SILENT[direction].label,
      unchanged: 'near',
      ...near,
      change: silent(SILENT[direction].which, 1000, 10_000),
    },
    { name: 'far', label: '4 × 5 MB/s, 100 ms', ...far },
    {
      name: 'falls',
      label: '100 ms, after 2 s 20 ms',
      unchanged: 'far',
      ...far,
      change: later(2000, (proxy) => proxy.reshape('all', { delayMs: 10 })),
    },
    {
      name: 'ten',
      label: '10 × 10 MB/s, 20 ms',
      connections: 10,
      line: { bytesPerSecond: 10 * MB, delayMs: 10 },
    },
    {
      name: 'shared',
      label: '100 MB/s for 10 in one queue, 20 ms',
      unchanged: 'ten',
      connections: 10,
      line: { totalBytesPerSecond: 100 * MB, totalQueueBytes: 50 * MB, delayMs: 10 },
    },
  ];
}

/** Of `lines`, those that are asked for, and the unchanged line of each. */
export function withUnchanged(lines: readonly ChangingLine[], asked: readonly ChangingLine[]): ChangingLine[] {
  return lines.filter(({ name }) => asked.some((line) => line.name === name || line.unchanged === name));
}
