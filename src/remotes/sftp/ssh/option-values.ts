/**
 * Parses values in the syntax of ssh_config(5). `label` is what a message calls the option: `-o Port`, or the file, the
 * line and the keyword.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { CopyError } from '../../../errors.ts';

/** A usage error that names the option and the values that it accepts. */
export function badValue(label: string, value: string, wanted: string): CopyError {
  return new CopyError('usage', `${label}: "${value}" is not right.`, { advice: `It takes ${wanted}.` });
}

export function yesOrNo(label: string, value: string): boolean {
  const lower = value.toLowerCase();
  if (lower === 'yes' || lower === 'true') return true;
  if (lower === 'no' || lower === 'false') return false;
  throw badValue(label, value, 'yes or no');
}

export function wholeNumber(label: string, value: string, min: number, max: number): number {
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= min && number <= max)) throw badValue(label, value, `a whole number from ${min} to ${max}`);
  return number;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** The milliseconds of a number of seconds, or of a time such as `1m30s` (sshd_config(5), TIME FORMATS). */
export function timeMs(label: string, value: string): number {
  // As in ssh: no time of its own.
  if (value.toLowerCase() === 'none') return 0;
  if (!/^(\d{1,7}[smhdw]?)+$/i.test(value)) throw badValue(label, value, 'a time such as 30 or 1m');
  let seconds = 0;
  for (const part of value.toLowerCase().matchAll(/(\d+)([smhdw]?)/g)) {
    seconds += Number(part[1]) * (UNIT_SECONDS[part[2] || 's'] ?? 1);
  }
  return seconds * 1000;
}

/** The values of `%` tokens and of `${...}` in file names. */
export interface Tokens {
  readonly home: string;
  readonly percent: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** The tokens that are the same for every host. */
export function machineTokens({ home, user }: { readonly home: string; readonly user: string }): Tokens['percent'] {
  const machine = hostname();
  return { d: home, u: user, i: String(process.getuid?.() ?? ''), l: machine, L: machine.split('.')[0]! };
}

/**
 * Expands `~`, tokens such as `%d` and `%h`, and `${NAME}` in a file name (ssh_config(5), TOKENS).
 * @throws {CopyError} `usage`: when a token is unknown or a variable is not set
 */
export function expandPath(label: string, path: string, tokens: Tokens): string {
  const named = path.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
    const value = tokens.variables[name];
    if (value === undefined) throw badValue(label, path, `variables that are set: ${name} is not`);
    return value;
  });
  const expanded = expandTokens(label, named, tokens.percent);
  return expandHome(label, expanded, tokens.home);
}

/** Expands `%` tokens, of which `%%` is always one. */
export function expandTokens(label: string, text: string, percent: Tokens['percent']): string {
  return text.replace(/%(.?)/g, (_, letter: string) => {
    const value = letter === '%' ? '%' : percent[letter];
    if (value === undefined) throw badValue(label, text, `%% and %${Object.keys(percent).join(', %')}`);
    return value;
  });
}

/** Expands only `~`, for `-i`, where a `%` is part of the name. */
export function expandHome(label: string, path: string, home: string): string {
  if (path === '~') return home;
  if (path.startsWith('~/')) return join(home, path.slice(2));
  if (path.startsWith('~')) throw badValue(label, path, 'only your own home directory, as ~/');
  return path;
}
