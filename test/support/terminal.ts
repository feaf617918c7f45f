/** Programs at a terminal of their own, which can hang up. */
import { spawnSync } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { type RunningProcess, startProcess } from './process.ts';

/** Whether util-linux's `script` is there: other ones take other options. */
export const hasTerminalProgram: boolean = /util-linux/.test(
  spawnSync('script', ['--version']).stdout?.toString() ?? '',
);

export interface Terminal extends RunningProcess {
  /** The far end goes away, as when the window is closed: the kernel sends SIGHUP. */
  hangUp(): Promise<void>;
}

/** Runs a shell command at a new terminal, in a session of its own. It ends with the test. */
export async function startAtTerminal(command: string, env: NodeJS.ProcessEnv): Promise<Terminal> {
  const program = await startProcess('script', ['-q', '-c', command, '/dev/null'], {
    env: { ...env, SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  program.child.stdin?.on('error', () => {});
  program.child.stdout?.resume();
  onTestFinished(async () => void (await program.stopTree()));
  return { ...program, hangUp: async () => void (await program.stop('SIGKILL')) };
}

/** As one word of a shell command. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
