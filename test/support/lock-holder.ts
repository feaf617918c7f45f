import { fork } from 'node:child_process';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { TargetRoot } from '../../src/engine/lock/target-lock.ts';
import { atExit } from './at-exit.ts';
import type { LockKind } from './lock-kinds.ts';
import { repoRoot } from './repo-root.ts';

export interface HolderRequest {
  readonly kind: LockKind;
  readonly server: string;
  /** In hexadecimal. */
  readonly path: string;
}

export interface HolderAnswer {
  /** `held`, the code of the error, or the warning. */
  readonly outcome: string;
  /** A process it has started, which lives on without it. */
  readonly childPid: number;
}

/** A process that locks a target root. */
export interface LockHolder {
  readonly pid: number;
  /** Tries to; resolves with the outcome. */
  lock(kind: LockKind, root: TargetRoot): Promise<string>;
  /** Has nothing more to do but to hold what it holds; resolves with its exit code when it ends. */
  leave(): Promise<number | null>;
  /** SIGKILL; its child stays until the test ends. */
  kill(): Promise<void>;
}

const PROGRAM = 'build/test/support/lock-holder-main.js';

/** To be called while a test runs. */
export async function lockHolderForTest(): Promise<LockHolder> {
  const holder = fork(join(repoRoot, PROGRAM), [], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const pids: number[] = [];
  const killChildren = () => {
    for (const pid of pids.splice(0)) process.kill(pid, 'SIGKILL');
  };
  const exited = new Promise<number | null>((resolve) => holder.once('exit', (code) => resolve(code)));
  const forget = atExit(() => {
    holder.kill('SIGKILL');
    killChildren();
  });
  await new Promise<void>((resolve, reject) => holder.once('spawn', resolve).once('error', reject));
  const kill = async () => {
    holder.kill('SIGKILL');
    await exited;
  };
  onTestFinished(async () => {
    await kill();
    killChildren();
    forget();
  });
  return {
    pid: holder.pid as number,
    kill,
    leave: () => {
      holder.send('leave');
      return exited;
    },
    lock(kind, { server, path }) {
      const request: HolderRequest = { kind, server, path: Buffer.from(path).toString('hex') };
      return new Promise((resolve, reject) => {
        exited.then(() => reject(new Error('The holder has ended')));
        holder.once('message', ({ outcome, childPid }: HolderAnswer) => {
          pids.push(childPid);
          resolve(outcome);
        });
        holder.send(request);
      });
    },
  };
}
