/** The beginning of the programs that copy. Scripts ask for the version, and often: that needs nothing of the rest. */
import { prepareForHangUp } from './hang-up.ts';
import type { ProgramName } from './program-name.ts';
import { tolerateClosedStreams } from './streams.ts';
import { packageVersion } from './version.ts';

/** Prints the version, or runs the program. */
export async function startProgram(program: ProgramName): Promise<void> {
  prepareForHangUp();
  const [only, ...others] = process.argv.slice(2);
  if (others.length === 0 && (only === '--version' || only === '-V')) {
    tolerateClosedStreams([process.stdout]);
    process.stdout.write(`${packageVersion()}\n`);
    return;
  }
  const { runProgram } = await import('./program.ts');
  await runProgram(program);
}
