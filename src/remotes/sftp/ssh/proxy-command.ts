/** `ProxyCommand` (ssh_config(5)): a command whose input and output take the place of the TCP connection. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { CopyError } from '../../../errors.ts';
import { cleanText } from '../../../util/clean-text.ts';
import { ChildStream, hasStreams } from './child-stream.ts';
import { childEnvironment } from './ssh-environment.ts';

/** What is kept of what the command says about its failure, in bytes. */
const MAX_ERROR_TEXT = 1024;

/** The command did not come as far as to the identification of a server, or ended later. */
export class ProxyCommandError extends Error {
  /** Whether the shell could not start it, which another attempt does not change. */
  readonly isNotFound: boolean;

  constructor(message: string, status: number | null) {
    super(message);
    this.isNotFound = status === 126 || status === 127;
  }
}

/**
 * Refuses names with which a shell would do something else (ssh.c, `valid_hostname` and `valid_ruser`): they take the
 * place of `%h`, `%n` and `%r` in a command, and may come from an address that somebody else wrote.
 * @throws {CopyError} `usage`
 */
export function expectPlainName(label: string, name: string, isUser = false): void {
  const special = isUser ? /['"`$;&<>|(){}\s\0-\x1f\x7f]|\\$/ : /['"`$\\;&<>|(){}*?!#~\s\0-\x1f\x7f]/;
  if (!special.test(name) && !name.startsWith('-')) return;
  throw new CopyError('usage', `${label}: the name ${JSON.stringify(name)} may not be part of a command.`, {
    advice: 'Use a name without characters that are special for a shell.',
  });
}

/**
 * Starts the command in the shell of the user, as ssh does. Resolves when it runs; rejects when the shell cannot be
 * started, and when `signal` is aborted.
 */
export function dialThroughCommand(command: string, signal: AbortSignal): Promise<Duplex> {
  const env = childEnvironment();
  const shell = process.platform === 'win32' ? true : env['SHELL'] || '/bin/sh';
  const line = process.platform === 'win32' ? command : `exec ${command}`;
  return new Promise((resolve, reject) => {
    const child = spawn(line, { shell, env, stdio: 'pipe', windowsHide: true });
    if (!hasStreams(child)) {
      child.once('error', reject);
      return;
    }
    const stream = streamOf(child);
    const settle = (end: () => void): void => {
      signal.removeEventListener('abort', onAbort);
      child.removeListener('error', onError);
      end();
    };
    const onAbort = (): void => onError(new Error('aborted'));
    const onError = (error: Error): void =>
      settle(() => {
        stream.on('error', () => {});
        stream.destroy();
        reject(error);
      });
    child.once('error', onError);
    child.once('spawn', () => settle(() => resolve(stream)));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

/**
 * Where the command fails, its stream ends with an error that contains what the command said; where it ends, so does
 * the stream.
 */
function streamOf(child: ChildProcessWithoutNullStreams): Duplex {
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-MAX_ERROR_TEXT);
  });
  return new ChildStream(child, (status, signal) =>
    status === 0 ? undefined : new ProxyCommandError(failure(said, signal ?? `status ${status}`), status),
  );
}

function failure(said: string, how: string): string {
  const text = cleanText(said.trim()).replace(/\.+$/, '');
  return `the proxy command ended with ${how}${text === '' ? '' : `: ${text}`}`;
}
