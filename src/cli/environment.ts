/** Options from `MT_COPY_...`, and the secrets that must not reach children. */
import { SECRET_VARIABLES } from '../remotes/sftp/ssh/ssh-environment.ts';
import type { OptionValues } from './option-values.ts';
import { type OptionRow, optionRows } from './options.ts';
import { usageError } from './usage-error.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const on = ['1', 'true', 'yes', 'on'];
const off = ['0', 'false', 'no', 'off'];

/**
 * Sets in `values` what the environment sets and `given` does not. An empty variable counts as not set. Usage errors
 * name the variable. Answers with the variables that look like ours but are not.
 */
export function applyEnvironment(
  environment: Environment,
  given: ReadonlySet<OptionRow>,
  values: OptionValues,
): string[] {
  for (const row of optionRows) {
    const text = row.environment === null ? undefined : environment[row.environment];
    if (row.environment === null || text === undefined || text === '' || given.has(row)) continue;
    for (const argument of argumentsOf(row, row.environment, text)) {
      Object.assign(values, row.apply(argument, row.environment, values));
    }
  }
  const known = new Set<string>([...SECRET_VARIABLES, ...optionRows.map((row) => row.environment ?? '')]);
  return Object.keys(environment).filter((name) => name.startsWith('MT_COPY_') && !known.has(name));
}

function argumentsOf(row: OptionRow, name: string, text: string): string[] {
  if (row.argument !== null) return [text];
  if (row.repeats && /^[0-2]$/.test(text)) return Array<string>(Number(text)).fill('');
  if (on.includes(text.toLowerCase())) return [''];
  if (off.includes(text.toLowerCase())) return [];
  throw usageError(`${name} is neither on nor off: '${text}'`, 'Set it to 1 or 0, or leave it out.');
}

/**
 * A copy of `environment` for the transfer; password and passphrase are then deleted from `environment` itself, so that
 * no child inherits them.
 */
export function withoutSecrets(environment: Record<string, string | undefined>): Record<string, string | undefined> {
  const copy = { ...environment };
  for (const name of SECRET_VARIABLES) delete environment[name];
  return copy;
}
