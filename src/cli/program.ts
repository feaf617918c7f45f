/** The whole of a program that copies. What is not needed for `--help` and usage errors is loaded when it is. */
import { CopyError } from '../errors.ts';
import { checkWasmMemory } from '../remotes/sftp/ssh/wasm-memory.ts';
import { makePaint } from '../ui/paint.ts';
import { renderError } from '../ui/render-error.ts';
import { parseArguments } from './parse-arguments.ts';
import type { ProgramName } from './program-name.ts';
import { rawArguments } from './raw-arguments.ts';
import { flushStreams, tolerateClosedStreams } from './streams.ts';
import { packageVersion } from './version.ts';

const streams = [process.stdout, process.stderr];

async function main(program: ProgramName): Promise<number> {
  const invocation = parseArguments(rawArguments(), process.env, packageVersion(), program);
  if (invocation.kind === 'print') {
    process.stdout.write(invocation.text);
    return 0;
  }
  checkWasmMemory();
  const io = { environment: process.env, outputStream: process.stdout, errorStream: process.stderr };
  if (invocation.kind === 'install-helper') {
    const { runInstallHelper } = await import('./run-install-helper.ts');
    return await runInstallHelper(invocation, io);
  }
  if (invocation.kind === 'show-settings') {
    const { runShowSettings } = await import('./run-show-settings.ts');
    return await runShowSettings(invocation, io);
  }
  const { runCopy } = await import('./run-copy.ts');
  return await runCopy(invocation, io);
}

/** Says what went wrong, with the stack where `-vv` asks for it, and gives the exit code. */
function report(program: ProgramName, error: unknown): number {
  const coded = CopyError.from(error);
  const details = coded.code === 'bug' && process.argv.some((argument) => /^-v{2,}$/.test(argument));
  process.stderr.write(`${renderError(program, coded.toData(), makePaint(false), details ? coded : undefined)}\n`);
  return coded.exitCode;
}

/** Sockets that are still closing must not hold the program up; text that was not yet read must get out. */
async function leave(exitCode: number): Promise<void> {
  await flushStreams(streams);
  process.exit(exitCode);
}

/** Runs the program, and ends the process. */
export async function runProgram(program: ProgramName): Promise<void> {
  tolerateClosedStreams(streams);
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => leave(report(program, error)));
  }
  await leave(await main(program).catch((error: unknown) => report(program, error)));
}
