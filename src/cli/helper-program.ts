/** Finds `mt-copy-tools-cs` as the build makes it; the one place that knows where it is. */
import { existsSync, readFileSync } from 'node:fs';
import { CopyError } from '../errors.ts';

/** From a chunk, from a program, from its own source. */
const PLACES: readonly string[] = [
  '../cli/mt-copy-tools-cs.js',
  './mt-copy-tools-cs.js',
  '../../dist/cli/mt-copy-tools-cs.js',
];

/** @throws CopyError `bug` where it is missing, `local-io` where it cannot be read */
export function helperProgram(base: string = import.meta.url): Buffer {
  const file = PLACES.map((place) => new URL(place, base)).find((url) => existsSync(url));
  if (file === undefined) throw new CopyError('bug', 'The program mt-copy-tools-cs is missing from the package.');
  try {
    return readFileSync(file);
  } catch (error) {
    throw CopyError.from(error, 'local-io');
  }
}
