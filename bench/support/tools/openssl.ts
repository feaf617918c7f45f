import { cleanEnvironment } from '../../../test/support/mtput.ts';
import type { ProgramCall } from '../harness.ts';
import { rivalPath } from '../rivals.ts';

const SCRIPT = '"$0" dgst -sha256 -r "$1" && "$0" dgst -sha256 -r "$2"';

/** The SHA-256 of two files, one after the other. */
export function opensslDigests(files: readonly [string, string], home: string): ProgramCall {
  const args = ['-c', SCRIPT, rivalPath('openssl') ?? 'openssl', ...files];
  return { command: '/bin/sh', args, env: cleanEnvironment(home) };
}
