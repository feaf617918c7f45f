import type { TransferEvent } from '../../src/engine/events.ts';
import { measureProcess, type ProgramCall } from './harness.ts';
import type { MeasuredRun } from './run-transfer.ts';

type Result = Extract<TransferEvent, { type: 'result' }>;

/** What `mtput --json` says at the end. */
export function resultOf(stdout: string): Result {
  const lines = stdout.split('\n').filter((line) => line !== '');
  const result = lines.map((line) => JSON.parse(line) as TransferEvent).findLast(({ type }) => type === 'result');
  if (result === undefined) throw new Error('mtput told no result');
  return result as Result;
}

/**
 * A run that went on without digests, as mtput does where the server gives none, would be measured as what it is not.
 */
export function checkVerified({ verified }: Result, bytes: number): void {
  if (verified.byDigest === bytes) return;
  throw new Error(`Of ${bytes} bytes only ${verified.byDigest} were verified by digests`);
}

/** Measures `mtput --json`, and notes how much of the file was sent. */
export async function measureJson(call: ProgramCall, check: (result: Result) => void): Promise<MeasuredRun> {
  const run = await measureProcess(call);
  // What went wrong is for the caller to say.
  if (run.code !== 0) return run;
  const result = resultOf(run.stdout);
  check(result);
  return { ...run, bytesSent: result.bytesSent };
}
