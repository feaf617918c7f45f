import { mtputPath } from './mtput.ts';
import { type RunOptions, type RunResult, run } from './process.ts';

/** Runs mtput with arguments that need not be UTF-8, which Node cannot pass but a shell can. */
export function mtputRaw(args: readonly (string | Buffer)[], options: RunOptions): Promise<RunResult> {
  return run('sh', ['-c', `exec ${[process.execPath, mtputPath, ...args].map(quote).join(' ')}`], options);
}

function quote(argument: string | Buffer): string {
  const bytes = Buffer.from(argument);
  const escapes = [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  // The shell takes newlines at the end of what a command prints away: an `x` keeps them, and goes itself.
  return `"$(word=$(printf '${escapes}x'); printf %s "\${word%x}")"`;
}
