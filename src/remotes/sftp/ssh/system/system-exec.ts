/** Runs a command on the server by a run of ssh of its own, because a connection is used for one purpose only. */
import { setTimeout } from 'node:timers/promises';
import { CopyError } from '../../../../errors.ts';
import { FAIL_GRACE_MS } from '../hang-up.ts';
import type { ExecChannel } from '../ssh-connection.ts';
import { SshProcess, type SshProcessOptions } from './ssh-process.ts';

/** A server that limits how many connections log in at the same time refuses at random (sshd's MaxStartups). */
const PAUSES_MS = [500, 2000];

/**
 * Resolves when the server has logged the connection in that is to run the command.
 * @throws {CopyError} `unsupported`: when there is no such connection
 */
export async function systemExec(options: Omit<SshProcessOptions, 'mayAsk'>): Promise<ExecChannel> {
  for (const pauseMs of [...PAUSES_MS, undefined]) {
    const process = new SshProcess({ ...options, mayAsk: false });
    try {
      await process.authenticated;
      return channelOf(process);
    } catch (error) {
      await process.hangUp(FAIL_GRACE_MS);
      const failure = CopyError.from(error);
      if (pauseMs === undefined || failure.scope !== 'connection') {
        throw new CopyError('unsupported', `ssh cannot run commands: ${failure.message}`, { cause: error });
      }
      await setTimeout(pauseMs);
    }
  }
  throw new CopyError('bug', 'The last attempt has neither succeeded nor failed.');
}

function channelOf(process: SshProcess): ExecChannel {
  const { child, output } = process;
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderrTail: () => output.text,
    exited: process.ended.then(({ status }) => status),
    close: () => void process.hangUp(FAIL_GRACE_MS),
  };
}
