#!/usr/bin/env node
/**
 * The program `mt-copy-tools-cs`: digests of ranges, on the machine that has the file. Built into one file that needs
 * nothing but Node, whatever it is named and wherever it is copied.
 */
import { classic, EXIT, type Outcome } from './classic.ts';
import { ALGORITHMS, PROGRAM, SERVES } from './framing.ts';
import { serve } from './serve.ts';

/** Put in by the build. */
declare const PACKAGE_VERSION: string;

const USAGE = `Usage: ${PROGRAM} -m ALGO -f FILE [-s START] [-l LENGTH]
       ${PROGRAM} --serve

Prints the digest of a range of a file, in hexadecimal.

  -m ALGO    ${ALGORITHMS.join(', ')}
  -f FILE    the file
  -s START   where the range begins, in bytes (default: 0)
  -l LENGTH  its length in bytes (default, and 0: to the end of the file)
  --serve    answer many requests over stdin and stdout, for mtput
  --version  print the version
  -h         print this

Exit codes: ${EXIT.arguments} arguments, ${EXIT.open} open, ${EXIT.stat} stat, ${EXIT.method} algorithm, ${EXIT.read} read, ${EXIT.offset} START, ${EXIT.length} LENGTH.
`;

async function outcomeOf(args: readonly string[]): Promise<Outcome> {
  const [first, ...others] = args;
  if (first === '-h' || first === '--help') return { exitCode: 0, stdout: USAGE };
  if (others.length > 0) return classic(args);
  if (first === '--version') return { exitCode: 0, stdout: `${PROGRAM} ${PACKAGE_VERSION} ${SERVES}\n` };
  if (first !== '--serve') return first === undefined ? { exitCode: EXIT.arguments, stderr: USAGE } : classic(args);
  await serve(process.stdin, process.stdout, PACKAGE_VERSION);
  return { exitCode: 0 };
}

function finish({ exitCode, stdout = '', stderr = '' }: Outcome): void {
  // Whoever closed them reads no complaint either.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit(exitCode));
  process.stderr.write(stderr, () => process.stdout.write(stdout, () => process.exit(exitCode)));
}

outcomeOf(process.argv.slice(2)).then(finish, (error: unknown) => {
  finish({ exitCode: 70, stderr: `${error instanceof Error ? error.stack : error}\n` });
});
