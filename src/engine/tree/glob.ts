/** Patterns of remote paths, expanded by listing directories. No shell sees them. */
import { CopyError } from '../../errors.ts';
import { bytesFromText, textFromBytes } from '../../util/bytes-text.ts';
import { cleanText } from '../../util/clean-text.ts';
import { braceAlternatives } from './brace-alternatives.ts';
import { componentsOf, type GlobComponent } from './glob-pattern.ts';
import { type GlobFiles, GlobWalk } from './glob-walk.ts';

export type { GlobFiles };

/** More paths than this are copied by naming their directory. */
const MAX_PATHS = 100_000;

/** Whether a path is a pattern: it has an unescaped `*`, `?`, `[` or `{`. */
export function hasGlob(path: Uint8Array): boolean {
  return /^(?:[^\\*?[{]|\\.)*[*?[{]/s.test(Buffer.from(path).toString('latin1'));
}

/**
 * The paths that a pattern names, in the order of their bytes, without duplicates; none if nothing matches. It is
 * expanded as `sh` does it: braces first, then `*`, `?` and `[...]` in each component; a backslash quotes the next
 * character; hidden names are matched only by a pattern that begins with a dot, and `.` and `..` never; a slash at the
 * end keeps only directories. Only components with wildcards are listed.
 *
 * A path that exists as it is written is no pattern. What braces name without wildcards is in the result whether it
 * exists or not, as in `sh`, so that the copy says what is missing.
 *
 * @throws {CopyError} `usage`, of scope `file`: there are more than `limit` paths; what `files` rejects with
 */
export async function expandGlob(path: Uint8Array, files: GlobFiles, limit: number = MAX_PATHS): Promise<Buffer[]> {
  if (await isThere(path, files)) return [Buffer.from(path)];
  const tooMany = () =>
    new CopyError('usage', `${cleanText(path)} matches more than ${limit} names.`, {
      scope: 'file',
      advice: 'Copy their directory, with --include if not all of it is wanted.',
    });
  const named = new Set<string>();
  const patterns = new Map<string, readonly GlobComponent[]>();
  for (const text of braceAlternatives(textFromBytes(path))) {
    const components = componentsOf(text);
    if (components.every((component) => typeof component === 'string')) named.add(components.join('/'));
    else patterns.set(text, components);
    if (named.size + patterns.size > limit) throw tooMany();
  }
  named.delete('');
  const walk = new GlobWalk(files, limit, tooMany);
  const matched = await walk.expand([...patterns.values()]);
  const paths = new Map(
    [...[...named].map(bytesFromText), ...matched].map((found) => [found.toString('latin1'), found]),
  );
  if (paths.size > limit) throw tooMany();
  return [...paths.values()].sort(Buffer.compare);
}

/** Servers may refuse names that have wildcards, such as those on Windows. */
async function isThere(path: Uint8Array, files: GlobFiles): Promise<boolean> {
  try {
    return (await files.lookAt(path)) !== undefined;
  } catch (error) {
    if (CopyError.from(error).scope === 'file') return false;
    throw error;
  }
}
