/** What tests of both directions have in common: on which side the sources are, and how they are copied. */
import type { Bed } from './each-server.ts';
import { cleanEnvironment, type JsonRun, mtgetPath, mtputPath, sshArguments, withEvents } from './mtput.ts';
import type { PlainUser } from './plain-user.ts';
import type { RunResult } from './process.ts';
import { runRaw } from './raw-arguments.ts';
import type { TestServer } from './test-server.ts';

/** `up`: mtput, from here to the server. `down`: mtget. */
export type Direction = 'up' | 'down';

export const allDirections: readonly Direction[] = ['up', 'down'];

/** The directories in which relative paths of sources and destinations begin. */
export interface Sides {
  readonly sources: string;
  readonly targets: string;
}

export function sidesOf(direction: Direction, { server, dir }: Pick<Bed, 'server' | 'dir'>): Sides {
  return direction === 'up' ? { sources: dir.path, targets: server.home } : { sources: server.home, targets: dir.path };
}

export interface Copy {
  readonly direction: Direction;
  readonly server: TestServer;
  /** Where local paths begin. */
  readonly cwd: string;
  readonly sources: readonly (string | Buffer)[];
  readonly destination: string | Buffer;
  /** Further options. */
  readonly more?: readonly string[];
  readonly timeoutMs?: number;
  /** What the program reads from its standard input. */
  readonly input?: string;
  /** Who runs the program; whoever runs the tests unless set. */
  readonly as?: PlainUser;
}

/** Runs mtput or mtget to its end. Paths need not be UTF-8; those of the server begin at its home. */
export function copy(copied: Copy): Promise<RunResult> {
  const { direction, server, cwd, sources, destination, more = [], timeoutMs = 120_000, input, as } = copied;
  const there = (path: string | Buffer): Buffer =>
    Buffer.concat([Buffer.from(`${server.user}@${server.host}:`), Buffer.from(path)]);
  const [program, paths] =
    direction === 'up'
      ? [mtputPath, [...sources, there(destination)]]
      : [mtgetPath, [...sources.map(there), destination]];
  const args = [...sshArguments(as === undefined ? server : { ...server, ...as.files }), ...more, '--', ...paths];
  return runRaw(program, args, {
    cwd,
    env: cleanEnvironment(as?.home ?? server.dir),
    timeoutMs,
    ...(input !== undefined && { input }),
    ...(as !== undefined && { owner: as.owner }),
  });
}

/** The same with `--json`; what it tells is in `events`. */
export async function copyJson(copied: Copy): Promise<JsonRun> {
  return withEvents(await copy({ ...copied, more: ['--json', ...(copied.more ?? [])] }));
}
