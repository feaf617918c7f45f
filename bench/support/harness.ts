import { readFileSync } from 'node:fs';
import { type Exit, startProcess } from '../../test/support/process.ts';
import { descendantsOf } from '../../test/support/process-tree.ts';

/** One run of a program, from its start to its end. */
export interface ProcessRun extends Exit {
  readonly seconds: number;
  /** User and system time of the program and of what it started; Linux only. */
  readonly cpuSeconds?: number;
  /** The most memory one of its processes had; Linux only. */
  readonly maxRssMiB?: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramCall {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

const isLinux = process.platform === 'linux';
const TICKS_PER_SECOND = 100;
const MEMORY_POLL_MS = 250;

/** What children of ours that have ended used, theirs included. Other children must not end while one is measured. */
function endedChildrenCpuSeconds(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}

function peakKiB(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function text(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('utf8');
}

/** Runs a program and takes its time as a user would: from the command to the prompt. */
export async function measureProcess({ command, args, env }: ProgramCall): Promise<ProcessRun> {
  const cpuBefore = isLinux ? endedChildrenCpuSeconds() : 0;
  const begin = performance.now();
  const started = await startProcess(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const stdout = text(started.child.stdout);
  const stderr = text(started.child.stderr);
  const closed = new Promise<void>((resolve) => started.child.once('close', () => resolve()));
  let peak = 0;
  const look = () => {
    for (const pid of [started.pid, ...descendantsOf(started.pid).map((info) => info.pid)]) {
      peak = Math.max(peak, peakKiB(pid));
    }
  };
  const poll = isLinux ? setInterval(look, MEMORY_POLL_MS) : undefined;
  const exit = await started.exited;
  const seconds = (performance.now() - begin) / 1000;
  clearInterval(poll);
  await closed;
  return {
    ...exit,
    seconds,
    ...(isLinux && { cpuSeconds: endedChildrenCpuSeconds() - cpuBefore, maxRssMiB: Math.round(peak / 1024) }),
    stdout: stdout(),
    stderr: stderr(),
  };
}
