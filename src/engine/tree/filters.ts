import { CopyError } from '../../errors.ts';
import { Wildcard } from './wildcard.ts';

/** One `--include` or `--exclude`. The pattern is reversible text (util/bytes-text.ts). */
export interface FilterRule {
  readonly action: 'include' | 'exclude';
  readonly pattern: string;
}

/** Whether a pattern fits a path, whose last component is `name`. */
type PathTest = (path: string, name: string, isDirectory: boolean) => boolean;

interface CompiledRule {
  readonly isIncluding: boolean;
  readonly fits: PathTest;
}

/**
 * Chooses the files of a tree as rsync does: the first rule that fits decides, and without one a path is allowed. A
 * directory that is not allowed is not entered by the caller, so that no rule can include what is in it.
 *
 * It differs from rsync in that `?` and `[...]` match a character of UTF-8 instead of a byte, and in that a pattern has
 * no prefixes (`+ `, `- `, `!`).
 */
export class Filters {
  readonly #rules: readonly CompiledRule[];

  /** @throws {CopyError} `usage`: a pattern is empty */
  constructor(rules: readonly FilterRule[]) {
    this.#rules = rules.map(({ action, pattern }) => {
      if (pattern === '') {
        throw new CopyError('usage', `A pattern of --${action} is empty.`, {
          advice: 'Check the quotes and variables of the command.',
        });
      }
      return { isIncluding: action === 'include', fits: compile(pattern) };
    });
  }

  /** Whether there are no rules, so that everything is allowed. */
  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /**
   * `path`: relative to the root of its source, which is itself always allowed; components are separated by `/`;
   * reversible text (util/bytes-text.ts).
   */
  allows(path: string, isDirectory: boolean): boolean {
    if (path === '') return true;
    const name = path.slice(path.lastIndexOf('/') + 1);
    for (const rule of this.#rules) if (rule.fits(path, name, isDirectory)) return rule.isIncluding;
    return true;
  }
}

function compile(text: string): PathTest {
  const isForDirectories = text.length > 1 && text.endsWith('/');
  const pattern = isForDirectories ? text.slice(0, -1) : text;
  // A backslash quotes only in patterns that have wildcards.
  const fits = /[*?[]/.test(pattern) ? wildTest(pattern) : plainTest(pattern);
  return isForDirectories ? (path, name, isDirectory) => isDirectory && fits(path, name, isDirectory) : fits;
}

function plainTest(pattern: string): PathTest {
  if (pattern.startsWith('/')) {
    const anchored = pattern.slice(1);
    return (path) => path === anchored;
  }
  if (!pattern.includes('/')) return (_path, name) => name === pattern;
  const end = `/${pattern}`;
  return (path) => path === pattern || path.endsWith(end);
}

function wildTest(pattern: string): PathTest {
  const isAnchored = pattern.startsWith('/');
  const wildcard = new Wildcard(isAnchored ? pattern.slice(1) : pattern, 'never matches');
  // `dir/***` matches `dir/`, as which a directory is seen then.
  const seen: (path: string, isDirectory: boolean) => string = pattern.endsWith('***')
    ? (path, isDirectory) => (isDirectory ? `${path}/` : path)
    : (path) => path;
  if (isAnchored) return (path, _name, isDirectory) => wildcard.matches(seen(path, isDirectory));
  // `**/x` also matches an x in the root of the source.
  if (pattern.startsWith('**')) return (path, _name, isDirectory) => wildcard.matches(`/${seen(path, isDirectory)}`);
  if (pattern.includes('**')) {
    return (path, _name, isDirectory) => matchesBehindSlash(wildcard, seen(path, isDirectory));
  }
  const slashes = pattern.split('/').length - 1;
  if (slashes === 0) return (_path, name) => wildcard.matches(name);
  return (path) => {
    const offset = lastComponents(path, slashes + 1);
    return offset !== undefined && wildcard.matches(path, offset);
  };
}

/** From the beginning of any component to the end of the path. */
function matchesBehindSlash(wildcard: Wildcard, path: string): boolean {
  for (let offset = 0; ; ) {
    if (wildcard.matches(path, offset)) return true;
    const slash = path.indexOf('/', offset);
    if (slash === -1) return false;
    offset = slash + 1;
  }
}

/** Where the last `count` components begin; undefined if there are fewer. */
function lastComponents(path: string, count: number): number | undefined {
  let slash = path.length;
  for (let i = 0; i < count; i++) {
    if (slash <= 0) return undefined;
    slash = path.lastIndexOf('/', slash - 1);
    if (slash === -1) return i === count - 1 ? 0 : undefined;
  }
  return slash + 1;
}
