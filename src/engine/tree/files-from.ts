/** The list of paths of `--files-from`. */
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';

const NUL = 0;
const LF = 0x0a;
const CR = 0x0d;

/** The set of those that were seen could not have more than 2^24. */
const MAX_PATHS = 10_000_000;

/**
 * The paths in a list, relative to the root of a source, in the order of the list and without duplicates. Each is on a
 * line of its own; or, if there is a NUL anywhere, they are separated by NULs, so that names may contain line breaks.
 * Empty lines are skipped, and so are those that name the root itself, which `find` prints first. Slashes at the
 * beginning and the end and components that are `.` are dropped.
 *
 * Most of the paths are views of `bytes`, which must not be changed afterwards.
 *
 * @throws {CopyError} `usage`: a path has a component `..`, or there are more than ten million paths
 */
export function parseFilesFrom(bytes: Uint8Array): Buffer[] {
  const list = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const separator = list.includes(NUL) ? NUL : LF;
  const paths: Buffer[] = [];
  const seen = new Set<string>();
  let number = 1;
  for (let offset = 0; offset < list.length; number++) {
    const found = list.indexOf(separator, offset);
    const end = found === -1 ? list.length : found;
    const hasReturn = separator === LF && found > offset && list[found - 1] === CR;
    const line = list.subarray(offset, hasReturn ? end - 1 : end);
    offset = end + 1;
    // Each byte is a character: the bytes need not be UTF-8.
    const text = line.toString('latin1');
    if (/(?:^|\/)\.\.(?:\/|$)/.test(text)) throw leadsOut(line, separator === NUL ? 'Entry' : 'Line', number);
    const path = relativePath(text);
    if (path === '' || seen.has(path)) continue;
    if (paths.length === MAX_PATHS) throw tooMany();
    seen.add(path);
    paths.push(path === text ? line : Buffer.from(path, 'latin1'));
  }
  return paths;
}

function relativePath(path: string): string {
  if (!/(?:^|\/)\.?(?:\/|$)/.test(path)) return path;
  const components = path.split('/').filter((component) => component !== '' && component !== '.');
  return components.join('/');
}

function leadsOut(line: Buffer, what: 'Line' | 'Entry', number: number): CopyError {
  return new CopyError('usage', `${what} ${number} of the list has a component '..': ${cleanText(line)}.`, {
    advice: 'List paths inside of the source.',
  });
}

function tooMany(): CopyError {
  return new CopyError('usage', `The list has more than ${MAX_PATHS} paths.`, { advice: 'Copy in several runs.' });
}
