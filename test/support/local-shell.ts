/** Commands on this machine in the place of those on a server. */
import { spawn } from 'node:child_process';
import type { ExecChannel } from '../../src/remotes/sftp/ssh/ssh-connection.ts';
import { atExit } from './at-exit.ts';

export interface LocalShell {
  /** See `SshConnection.exec`. */
  exec(command: string): Promise<ExecChannel>;
  /** All that was to be executed, in order. */
  readonly commands: readonly string[];
  /** Ends what still runs. */
  stop(): void;
}

/** `beforeInput` is called right before a command gets to read something. */
export function localShell(home: string, beforeInput: () => void = () => {}): LocalShell {
  const commands: string[] = [];
  const closers = new Set<() => void>();
  return {
    commands,
    stop: () => {
      for (const close of closers) close();
    },
    async exec(command) {
      commands.push(command);
      const env = { PATH: '/usr/bin:/bin', HOME: home };
      const child = spawn('/bin/sh', ['-c', command], { cwd: home, env, stdio: 'pipe' });
      const forget = atExit(() => child.kill('SIGKILL'));
      const close = (): void => void child.kill('SIGKILL');
      closers.add(close);
      let tail = '';
      child.stderr.on('data', (chunk: Buffer) => {
        tail = (tail + chunk.toString('latin1')).slice(-1000);
      });
      // As those of a channel: they end.
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => {});
      const write = child.stdin._write.bind(child.stdin);
      child.stdin._write = (chunk, encoding, done) => {
        beforeInput();
        write(chunk, encoding, done);
      };
      const exited = new Promise<number | undefined>((resolve) => {
        const over = (code: number | null): void => {
          closers.delete(close);
          forget();
          resolve(code ?? undefined);
        };
        child.once('close', over).once('error', () => over(null));
      });
      return { stdin: child.stdin, stdout: child.stdout, stderrTail: () => tail, exited, close };
    },
  };
}
