/** `Match exec` (ssh_config(5)): whether a command succeeds decides whether lines apply. */
import { spawnSync } from 'node:child_process';
import { CopyError } from '../../../../errors.ts';
import { expandTokens, type Tokens } from '../option-values.ts';
import { expectPlainName } from '../proxy-command.ts';
import { childEnvironment } from '../ssh-environment.ts';

/** A command that takes longer most likely waits for somebody. */
const MAX_MS = 30_000;

/**
 * Runs the command in the shell of the user, without input, and shows nothing of its output, as ssh does (readconf.c,
 * `execute_in_shell`).
 * @param label what messages call the line
 * @throws {CopyError} `usage`: when it cannot be run or takes too long, or a name in it could do something else
 */
export function execSucceeds(label: string, command: string, tokens: Tokens['percent']): boolean {
  for (const token of ['h', 'k', 'n', 'r']) {
    if (command.includes(`%${token}`)) expectPlainName(label, tokens[token] ?? '', token === 'r');
  }
  const env = childEnvironment();
  const shell = process.platform === 'win32' ? true : env['SHELL'] || '/bin/sh';
  const { error, status } = spawnSync(expandTokens(label, command, tokens), {
    ...{ shell, env, stdio: 'ignore', timeout: MAX_MS, windowsHide: true },
  });
  if (error === undefined) return status === 0;
  const isLate = 'code' in error && error.code === 'ETIMEDOUT';
  const why = isLate ? `takes more than ${MAX_MS / 1000} s` : `cannot be run (${error.message})`;
  throw new CopyError('usage', `${label}: the command ${why}.`, { cause: error });
}
