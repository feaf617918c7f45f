import { join } from 'node:path';
import type { TransferEvent } from '../../src/engine/events.ts';
import { type RunningProcess, type RunResult, run, startProcess } from './process.ts';
import { repoRoot } from './repo-root.ts';
import type { TestServer } from './test-server.ts';

/** The program as it is installed. */
export const mtputPath: string = join(repoRoot, 'dist/cli/mtput.js');

export const mtgetPath: string = join(repoRoot, 'dist/cli/mtget.js');

/** Where to upload to: a server of ours, or the proxy in front of it. */
export interface UploadTo {
  readonly server: TestServer;
  /** The proxy's, which `server.trustPort` knows; the server's own unless set. */
  readonly port?: number;
  /** Path on the server; relative: below its home. */
  readonly path: string;
}

/** Nothing of the user's: no keys, no agent, no settings. */
export function cleanEnvironment(home: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: home,
    XDG_STATE_HOME: join(home, 'state'),
    NO_COLOR: '1',
    LC_ALL: 'C.UTF-8',
  };
}

/** Options that reach `server` with its key and its known_hosts. */
export function sshArguments(
  server: Pick<TestServer, 'port' | 'identityFile' | 'knownHostsFile'>,
  port: number = server.port,
): string[] {
  return ['-P', `${port}`, '-i', server.identityFile, '-o', `UserKnownHostsFile=${server.knownHostsFile}`, '-B'];
}

export function putArguments(sources: readonly string[], to: UploadTo, more: readonly string[] = []): string[] {
  const { server, port, path } = to;
  return [...sshArguments(server, port), ...more, '--', ...sources, `${server.user}@${server.host}:${path}`];
}

/** What is different in how a program is started. */
export interface ProgramOptions {
  readonly nodeArguments?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
}

/** It does not wait three seconds before it looks a second time at what somebody may be writing. */
export const LOOKS_AGAIN_SOON: ProgramOptions = {
  nodeArguments: ['--require', join(repoRoot, 'test/support/looks-again-soon.cjs')],
};

/** Runs mtput to its end. */
export function mtput(
  sources: readonly string[],
  to: UploadTo,
  more: readonly string[] = [],
  timeoutMs: number = 120_000,
  { nodeArguments = [], environment = {} }: ProgramOptions = {},
): Promise<RunResult> {
  return run(process.execPath, [...nodeArguments, mtputPath, ...putArguments(sources, to, more)], {
    env: { ...cleanEnvironment(to.server.dir), ...environment },
    timeoutMs,
  });
}

/** What to download from a server of ours, or through the proxy in front of it. */
export interface DownloadFrom {
  readonly server: TestServer;
  /** The proxy's, which `server.trustPort` knows; the server's own unless set. */
  readonly port?: number;
  /** Paths on the server; relative: below its home. */
  readonly paths: readonly string[];
}

export function getArguments(from: DownloadFrom, target: string, more: readonly string[] = []): string[] {
  const { server, port, paths } = from;
  const sources = paths.map((path) => `${server.user}@${server.host}:${path}`);
  return [...sshArguments(server, port), ...more, '--', ...sources, target];
}

/** Runs mtget to its end. */
export function mtget(
  from: DownloadFrom,
  target: string,
  more: readonly string[] = [],
  timeoutMs: number = 120_000,
): Promise<RunResult> {
  return run(process.execPath, [mtgetPath, ...getArguments(from, target, more)], {
    env: cleanEnvironment(from.server.dir),
    timeoutMs,
  });
}

/** Runs mtget with `--json`; what it says is in `events`. */
export async function mtgetJson(
  from: DownloadFrom,
  target: string,
  more: readonly string[] = [],
  timeoutMs?: number,
): Promise<JsonRun> {
  return withEvents(await mtget(from, target, ['--json', ...more], timeoutMs));
}

/** Starts mtget, to be interrupted. */
export function startMtget(
  from: DownloadFrom,
  target: string,
  more: readonly string[] = [],
  { nodeArguments = [], environment = {} }: ProgramOptions = {},
): Promise<RunningProcess> {
  return startProcess(process.execPath, [...nodeArguments, mtgetPath, ...getArguments(from, target, more)], {
    env: { ...cleanEnvironment(from.server.dir), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export interface JsonRun extends RunResult {
  readonly events: readonly TransferEvent[];
}

/** Runs mtput with `--json`; what it says is in `events`. */
export async function mtputJson(
  sources: readonly string[],
  to: UploadTo,
  more: readonly string[] = [],
  timeoutMs?: number,
  program?: ProgramOptions,
): Promise<JsonRun> {
  return withEvents(await mtput(sources, to, ['--json', ...more], timeoutMs, program));
}

/** Of a run with `--json`. */
export function withEvents(result: RunResult): JsonRun {
  const lines = result.stdout.split('\n').filter((line) => line !== '');
  return { ...result, events: lines.map((line) => JSON.parse(line) as TransferEvent) };
}

/** Starts mtput, to be interrupted. */
export function startMtput(
  sources: readonly string[],
  to: UploadTo,
  more: readonly string[] = [],
  { nodeArguments = [], environment = {} }: ProgramOptions = {},
): Promise<RunningProcess> {
  return startProcess(process.execPath, [...nodeArguments, mtputPath, ...putArguments(sources, to, more)], {
    env: { ...cleanEnvironment(to.server.dir), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** What a run told, but for details, which are about this machine: whether ssh2 has its native addon. */
export function noticesOf(run: JsonRun): Extract<TransferEvent, { type: 'notice' }>[] {
  return eventsOf(run, 'notice').filter(({ level }) => level !== 'detail');
}

/** The events of one type. */
export function eventsOf<T extends TransferEvent['type']>(
  { events }: JsonRun,
  type: T,
): Extract<TransferEvent, { type: T }>[] {
  return events.filter((event): event is Extract<TransferEvent, { type: T }> => event.type === type);
}
