/**
 * One range a run: flags, output and exit codes as those of the first program of this name, which was written in Go.
 */
import { ALGORITHMS, isAlgorithm } from './framing.ts';
import { type FailedAt, HashError, hashRange } from './hash-range.ts';

export const EXIT = { arguments: 1, open: 2, stat: 3, method: 5, read: 6, offset: 7, length: 8 } as const;

export interface Outcome {
  readonly exitCode: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

const FLAGS = ['m', 'f', 's', 'l'];

/** `args`: without program and script. A range that the file does not have whole has no digest: exit code 6. */
export async function classic(args: readonly string[]): Promise<Outcome> {
  const flags = flagsIn(args);
  if (typeof flags === 'string') return failed(EXIT.arguments, flags);
  const path = flags.get('f');
  if (!flags.get('m') || !path) return failed(EXIT.arguments, 'Both -m and -f are needed.');
  const algorithm = flags.get('m')?.toLowerCase();
  if (!isAlgorithm(algorithm)) return failed(EXIT.method, `The algorithm is one of ${ALGORITHMS.join(', ')}.`);
  const offset = countIn(flags.get('s'));
  if (offset === undefined) return failed(EXIT.offset, '-s is a number of bytes.');
  const length = countIn(flags.get('l'));
  if (length === undefined) return failed(EXIT.length, '-l is a number of bytes.');
  try {
    // What an argument is in bytes Node does not tell: a path that is not UTF-8 can only be given to --serve.
    const { digest, bytes, size } = await hashRange(path, algorithm, offset, length || Number.POSITIVE_INFINITY);
    const isShort = bytes < length || offset > size;
    return isShort
      ? failed(EXIT.read, `The file ends early: ${bytes} bytes from ${offset}.`)
      : { exitCode: 0, stdout: `${digest}\n` };
  } catch (error) {
    if (!(error instanceof HashError)) throw error;
    return failed(EXIT[error.at satisfies FailedAt], error.message);
  }
}

/** `-m VALUE`, `--m VALUE`, `-m=VALUE`; or what is wrong with them. */
function flagsIn(args: readonly string[]): Map<string, string> | string {
  const flags = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const [, name = '', assigned] = /^--?([a-z]+)(?:=(.*))?$/s.exec(args[i] ?? '') ?? [];
    if (!FLAGS.includes(name)) return `What is ${JSON.stringify(args[i])}? See -h.`;
    const value = assigned ?? args[++i];
    if (value === undefined) return `-${name} needs a value.`;
    flags.set(name, value);
  }
  return flags;
}

function countIn(text = '0'): number | undefined {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(count) ? count : undefined;
}

function failed(exitCode: number, reason: string): Outcome {
  return { exitCode, stderr: `${reason}\n` };
}
