/** The program named by `SSH_ASKPASS`, used when and as OpenSSH uses it. */
import { spawn } from 'node:child_process';
import type { Ask } from './ask-terminal.ts';
import type { Environment } from './environment.ts';

/** Who is asked: the program, the terminal, or nobody. The rules of `SSH_ASKPASS_REQUIRE` in ssh(1). */
export function whoIsAsked(environment: Environment, terminal: boolean): 'askpass' | 'terminal' | 'nobody' {
  const required = environment['SSH_ASKPASS_REQUIRE']?.toLowerCase();
  const display = Boolean(environment['DISPLAY'] || environment['WAYLAND_DISPLAY']);
  const allowed = Boolean(environment['SSH_ASKPASS']) && required !== 'never' && (display || required === 'force');
  if (allowed && (required === 'force' || required === 'prefer')) return 'askpass';
  if (terminal) return 'terminal';
  return allowed ? 'askpass' : 'nobody';
}

/** Asks by `SSH_ASKPASS`: the first line it prints; undefined if it fails or cannot be run. */
export function askpass(environment: Environment): Ask {
  return (prompt, _echo, signal) =>
    new Promise((resolve) => {
      const child = spawn(environment['SSH_ASKPASS'] ?? '', [prompt], {
        env: { ...environment },
        stdio: ['ignore', 'pipe', 'inherit'],
        signal,
      });
      const chunks: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
      child.on('error', () => resolve(undefined));
      child.on('close', (code) => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve(code === 0 ? text.split(/\r?\n/, 1)[0] : undefined);
      });
    });
}
