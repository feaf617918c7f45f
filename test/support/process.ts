import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { atExit } from './at-exit.ts';
import { killTree, killTreeNow } from './process-tree.ts';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface RunResult extends Exit {
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  input?: string | Uint8Array;
  timeoutMs?: number;
  /** Who runs it, which only root may choose. */
  owner?: { readonly uid: number; readonly gid: number };
}

export interface RunningProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Asks to end, insists after `timeoutMs`, and waits for the exit; does nothing to one that has ended. */
  stop(signal?: NodeJS.Signals, timeoutMs?: number): Promise<Exit>;
  /** The same, and with it everything the process has started. */
  stopTree(): Promise<Exit>;
}

/** Starts a process of our own; rejects when there is no such program. */
export async function startProcess(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<RunningProcess> {
  const child = spawn(command, args, options);
  const exited = new Promise<Exit>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  const pid = child.pid as number;
  child.once(
    'exit',
    atExit(() => killTreeNow(pid)),
  );
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;

  async function stop(signal: NodeJS.Signals = 'SIGTERM', timeoutMs = 5_000): Promise<Exit> {
    if (hasEnded()) return exited;
    const insist = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    child.kill(signal);
    try {
      return await exited;
    } finally {
      clearTimeout(insist);
    }
  }

  async function stopTree(): Promise<Exit> {
    if (hasEnded()) return exited;
    await killTree(pid);
    return exited;
  }

  return { child, pid, exited, stop, stopTree };
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('utf8');
}

/** Runs to the end and collects the output; one that takes too long is killed and reported. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { cwd, env, input, timeoutMs = 30_000, owner } = options;
  const stdin = input === undefined ? 'ignore' : 'pipe';
  const spawnOptions: SpawnOptions = { stdio: [stdin, 'pipe', 'pipe'], ...owner };
  if (cwd !== undefined) spawnOptions.cwd = cwd;
  if (env !== undefined) spawnOptions.env = env;
  const started = await startProcess(command, args, spawnOptions);
  const { child } = started;
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  // A program may end without reading its input; its exit code says more than our EPIPE.
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  try {
    const exit = await started.exited;
    await closed;
    if (late) throw new Error(`${command} was killed after ${timeoutMs} ms. It printed: ${stdout()}${stderr()}`);
    return { ...exit, stdout: stdout(), stderr: stderr() };
  } finally {
    clearTimeout(timer);
  }
}

/** As `run`, but an exit code other than 0 is an error. */
export async function runOk(command: string, args: readonly string[], options?: RunOptions): Promise<RunResult> {
  const result = await run(command, args, options);
  if (result.code !== 0) {
    throw new Error(`${command} ${args.join(' ')}: exit ${result.signal ?? result.code}: ${result.stderr}`);
  }
  return result;
}
