/** Runs a command on the server by a run of ssh of its own, because a connection is used for one purpose only. */
import { setTimeout } from 'node:timers/promises';
import { CopyError } from '../../../../errors.ts';
import { FAIL_GRACE_MS } from '../hang-up.ts';
import type { ExecChannel } from '../ssh-connection.ts';
import { SshProcess, type SshProcessOptions } from './ssh-process.ts';

/** A server that limits how many connections log in at the same time refuses at random (sshd's MaxStartups). */
const PAUSES_MS = [500, 2000];
/** Routers forget connections over which nothing goes, as while nothing is hashed. */
const KEEPALIVE = ['-o', 'ServerAliveInterval=15', '-o', 'ServerAliveCountMax=4'];

/** What ssh says where the connection ended, as opposed to a command that was refused or killed (clientloop.c). */
const LOST =
  /client_loop: |closed by remote host|Timeout, server |Connection reset|Read from remote host|Broken pipe|^Connection to \S+ closed/im;

export interface SystemExecOptions extends Omit<SshProcessOptions, 'mayAsk' | 'arguments'> {
  /** Aborted when the connection ends that the command belongs to: the command ends as well. */
  readonly signal: AbortSignal;
  /** Called when the command ended because its connection did. */
  readonly onLost: (error: CopyError) => void;
}

/**
 * Resolves when the server has logged the connection in that is to run the command.
 * @throws {CopyError} `unsupported`: when there is no such connection; `connection-lost`: when the signal is aborted
 */
export async function systemExec({ signal, onLost, ...options }: SystemExecOptions): Promise<ExecChannel> {
  for (const pauseMs of [...PAUSES_MS, undefined]) {
    if (signal.aborted) break;
    const process = new SshProcess({ ...options, arguments: KEEPALIVE, mayAsk: false });
    const hangUp = (): void => void process.hangUp(FAIL_GRACE_MS);
    signal.addEventListener('abort', hangUp, { once: true });
    void process.ended.then(() => signal.removeEventListener('abort', hangUp));
    try {
      await process.authenticated;
      return channelOf(process, onLost);
    } catch (error) {
      await process.hangUp(FAIL_GRACE_MS);
      const failure = CopyError.from(error);
      if (signal.aborted) break;
      if (pauseMs === undefined || failure.scope !== 'connection') {
        throw new CopyError('unsupported', `ssh cannot run commands: ${failure.message}`, { cause: error });
      }
      await setTimeout(pauseMs, undefined, { signal }).catch(() => {});
    }
  }
  throw new CopyError('connection-lost', 'The connection ended before the command started.');
}

function channelOf(process: SshProcess, onLost: (error: CopyError) => void): ExecChannel {
  const { child, output } = process;
  let isClosing = false;
  void process.ended.then((status) => {
    if (status === undefined && !isClosing && LOST.test(output.text)) onLost(process.failure);
  });
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderrTail: () => output.text,
    exited: process.ended,
    close() {
      isClosing = true;
      void process.hangUp(FAIL_GRACE_MS);
    },
  };
}
