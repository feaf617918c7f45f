/** mtput with arguments that are bytes, which Node can give to no process: a shell makes them. */

import { cleanEnvironment, mtputPath, sshArguments } from './mtput.ts';
import { type RunResult, run } from './process.ts';
import type { TestServer } from './test-server.ts';

/** Each argument goes to printf in octal; a dot at its end keeps the shell from cutting newlines off. */
const SCRIPT = `
for octal do
  value=$(printf "$octal.")
  set -- "$@" "\${value%.}"
  shift
done
exec "$@"`;

export function putRaw(
  source: Buffer,
  server: TestServer,
  path: Buffer,
  more: readonly string[],
  timeoutMs: number = 120_000,
): Promise<RunResult> {
  const destination = Buffer.concat([Buffer.from(`${server.user}@${server.host}:`), path]);
  const args = [process.execPath, mtputPath, ...sshArguments(server), ...more, '--', source, destination];
  return run('sh', ['-c', SCRIPT, 'sh', ...args.map(octal)], { env: cleanEnvironment(server.dir), timeoutMs });
}

function octal(argument: string | Buffer): string {
  return [...Buffer.from(argument as string)]
    .map((byte) => `\\0${byte.toString(8).padStart(3, '0')}`.replace('\\0', '\\'))
    .join('');
}
