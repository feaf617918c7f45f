/**
 * Finds and reads the files of ssh_config(5). A file of the user must belong to that user or root and not be writable
 * by others, because whoever writes it decides where passwords go.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { CopyError } from '../../../../errors.ts';
import { matchPattern } from '../match-pattern.ts';

export interface ConfigFile {
  readonly path: string;
  /** Whether it is the user's own, so that `~` is allowed in it. */
  readonly isUsers: boolean;
}

/**
 * The lines of a file; undefined where there is none.
 * @param isChecked whether it must belong to this user or root, and not be writable by others, as all must but that of
 *   `-F` and that of the system
 * @throws {CopyError} `usage`: when it cannot be read, or others could have written it
 */
export function readConfigLines({ path }: ConfigFile, isChecked: boolean): string[] | undefined {
  try {
    const { uid, mode } = statSync(path);
    const own = process.getuid?.();
    if (isChecked && own !== undefined && ((uid !== 0 && uid !== own) || (mode & 0o022) !== 0)) {
      throw new CopyError('usage', `${path} belongs to somebody else, or others may write it.`, {
        advice: `Make it yours alone: chmod go-w ${path}`,
      });
    }
    return readFileSync(path, 'utf8').split(/\r?\n/);
  } catch (error) {
    if (error instanceof CopyError) throw error;
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined;
    throw new CopyError('usage', `${path} cannot be read (${String(error)}).`, { cause: error });
  }
}

/**
 * The files that an `Include` names, in order (glob(7): `*`, `?` and `[...]` in each part of the path).
 * @param pattern absolute, or relative to `directory`; `~/` is the home directory
 */
export function includedFiles(pattern: string, directory: string, home: string): string[] {
  const path = pattern === '~' || pattern.startsWith('~/') ? join(home, pattern.slice(1)) : pattern;
  const absolute = isAbsolute(path) ? path : join(directory, path);
  return expand(absolute);
}

function expand(path: string): string[] {
  const parent = dirname(path);
  if (parent === path) return [path];
  const name = path.slice(parent.endsWith('/') ? parent.length : parent.length + 1);
  const parents = expand(parent);
  if (!/[*?[]/.test(name)) return parents.map((one) => join(one, name));
  return parents.flatMap((one) => entriesOf(one, name).map((entry) => join(one, entry)));
}

/** Names in the order of their bytes. As in a shell, a leading dot is matched by a dot only. */
function entriesOf(directory: string, pattern: string): string[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    // What cannot be listed matches nothing, as in glob(3).
    return [];
  }
  const visible = names.filter((name) => !name.startsWith('.') || pattern.startsWith('.'));
  return visible.filter((name) => matchesName(name, pattern)).sort((a, b) => Buffer.from(a).compare(Buffer.from(b)));
}

/** The first `[...]` splits the pattern: what stands before it and after it must match the rest of the name. */
function matchesName(name: string, pattern: string): boolean {
  const set = /\[(!?)(\]?[^\]]*)\]/.exec(pattern);
  if (set === null) return matchPattern(name, pattern);
  const before = pattern.slice(0, set.index);
  const after = pattern.slice(set.index + set[0].length);
  for (let at = 0; at < name.length; at++) {
    const isIn = inSet(name[at]!, set[2]!) !== (set[1] === '!');
    if (isIn && matchPattern(name.slice(0, at), before) && matchesName(name.slice(at + 1), after)) return true;
  }
  return false;
}

function inSet(char: string, set: string): boolean {
  for (let at = 0; at < set.length; at++) {
    if (set[at + 1] === '-' && at + 2 < set.length) {
      if (set[at]! <= char && char <= set[at + 2]!) return true;
      at += 2;
    } else if (set[at] === char) {
      return true;
    }
  }
  return false;
}
