import { type Exit, type RunningProcess, startProcess } from '../../test/support/process.ts';
import { watchUsage } from './process-usage.ts';

/** One run of a program, from its start to its end. */
export interface ProcessRun extends Exit {
  readonly seconds: number;
  /** User and system time of the program and of what it started; Linux only. */
  readonly cpuSeconds?: number;
  /** The most memory one of its processes had; Linux only. */
  readonly maxRssMiB?: number;
  /** It took longer than it may, and was killed: `seconds` is what it may take. */
  readonly isCutOff?: true;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramCall {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

function text(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('utf8');
}

/** Kills what takes longer than it may; `end` tells whether it did. */
function cutOffAfter(limitSeconds: number | undefined, { stopTree }: RunningProcess): { end(): Promise<boolean> } {
  if (limitSeconds === undefined) return { end: async () => false };
  let stopped: Promise<unknown> | undefined;
  const timer = setTimeout(() => {
    stopped = stopTree();
  }, limitSeconds * 1000);
  return {
    end: async () => {
      clearTimeout(timer);
      await stopped;
      return stopped !== undefined;
    },
  };
}

/**
 * Runs a program and takes its time as a user would: from the command to the prompt. What takes longer than
 * `limitSeconds` is killed, with all that it has started.
 */
export async function measureProcess({ command, args, env }: ProgramCall, limitSeconds?: number): Promise<ProcessRun> {
  const usage = watchUsage();
  const begin = performance.now();
  const started = await startProcess(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const stdout = text(started.child.stdout);
  const stderr = text(started.child.stderr);
  const closed = new Promise<void>((resolve) => started.child.once('close', () => resolve()));
  usage.begin(started.pid);
  const limit = cutOffAfter(limitSeconds, started);
  const exit = await started.exited;
  const seconds = (performance.now() - begin) / 1000;
  const used = usage.stop();
  const isCutOff = await limit.end();
  await closed;
  const took = isCutOff ? { seconds: limitSeconds!, isCutOff } : { seconds };
  return { ...exit, ...took, ...used, stdout: stdout(), stderr: stderr() };
}
