/** Parses the values of `-o` keywords in the syntax of ssh_config(5). */
import { join } from 'node:path';
import { CopyError } from '../../../errors.ts';

/** A usage error that names the keyword and the values that it accepts. */
export function badValue(keyword: string, value: string, wanted: string): CopyError {
  return new CopyError('usage', `-o ${keyword}: "${value}" is not right.`, { advice: `It takes ${wanted}.` });
}

/**
 * Splits `Keyword=value` or `Keyword value`.
 * @throws {CopyError} `usage`: when the option has no value
 */
export function splitOption(option: string): { keyword: string; value: string } {
  const match = /^\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+)(.*?)\s*$/s.exec(option);
  const keyword = match?.[1];
  const value = match?.[2];
  if (keyword === undefined || value === undefined || value === '') {
    throw new CopyError('usage', `-o "${option}" is not right.`, { advice: 'Write it as Keyword=value.' });
  }
  return { keyword, value };
}

/** Splits a value into words at white space. Double quotes allow white space inside a word. */
export function words(value: string): string[] {
  return [...value.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
}

/** One word, which may be quoted. */
export function word(keyword: string, value: string): string {
  const all = words(value);
  if (all.length !== 1 || all[0] === undefined || all[0] === '') throw badValue(keyword, value, 'one word');
  return all[0];
}

export function yesOrNo(keyword: string, value: string): boolean {
  const lower = value.toLowerCase();
  if (lower === 'yes' || lower === 'true') return true;
  if (lower === 'no' || lower === 'false') return false;
  throw badValue(keyword, value, 'yes or no');
}

export function wholeNumber(keyword: string, value: string, min: number, max: number): number {
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= min && number <= max)) throw badValue(keyword, value, `a whole number from ${min} to ${max}`);
  return number;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** The milliseconds of a number of seconds, or of a time such as `1m30s` (sshd_config(5), TIME FORMATS). */
export function timeMs(keyword: string, value: string): number {
  if (!/^(\d{1,7}[smhdw]?)+$/i.test(value)) throw badValue(keyword, value, 'a time such as 30 or 1m');
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

/**
 * Expands `~`, tokens such as `%d` and `%h`, and `${NAME}` in a file name (ssh_config(5), TOKENS).
 * @throws {CopyError} `usage`: when a token is unknown or a variable is not set
 */
export function expandPath(keyword: string, path: string, tokens: Tokens): string {
  const named = path.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
    const value = tokens.variables[name];
    if (value === undefined) throw badValue(keyword, path, `variables that are set: ${name} is not`);
    return value;
  });
  const expanded = named.replace(/%(.?)/g, (_, letter: string) => {
    const value = letter === '%' ? '%' : tokens.percent[letter];
    if (value === undefined) throw badValue(keyword, path, `%% and %${Object.keys(tokens.percent).join(', %')}`);
    return value;
  });
  return expandHome(keyword, expanded, tokens.home);
}

/** Expands only `~`, for `-i`, where a `%` is part of the name. */
export function expandHome(keyword: string, path: string, home: string): string {
  if (path === '~') return home;
  if (path.startsWith('~/')) return join(home, path.slice(2));
  if (path.startsWith('~')) throw badValue(keyword, path, 'only your own home directory, as ~/');
  return path;
}
