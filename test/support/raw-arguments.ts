import { type RunOptions, type RunResult, run } from './process.ts';

/** Runs one of our programs with arguments that need not be UTF-8, which Node cannot pass but a shell can. */
export function runRaw(program: string, args: readonly (string | Buffer)[], options: RunOptions): Promise<RunResult> {
  const words = [process.execPath, program, ...args];
  const assignments = words.map((word, index) => assignment(`word${index}`, Buffer.from(word)));
  return run(
    'sh',
    ['-c', [...assignments, `exec ${words.map((_, i) => `"$word${i}"`).join(' ')}`].join('\n')],
    options,
  );
}

function assignment(name: string, bytes: Buffer): string {
  const escapes = [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  // The shell takes newlines at the end of what a command prints away: an `x` keeps them, and goes itself.
  return `${name}=$(printf '${escapes}x') ${name}="\${${name}%x}"`;
}
