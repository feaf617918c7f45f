/** The partial files of a target on the server's disk. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** What a partial file of any target is called. */
export const PARTIAL_NAME: RegExp = /^\..*\.[0-9a-f]{16}\.mtpart$/s;

/** Paths of all that are there. */
export async function partialsOf(directory: string, target: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => PARTIAL_NAME.test(name));
  return names.filter((name) => name.startsWith(`.${target}.`)).map((name) => join(directory, name));
}

/** The path of the only one. */
export async function partialOf(directory: string, target: string): Promise<string> {
  const [path, ...others] = await partialsOf(directory, target);
  if (path === undefined || others.length > 0) throw new Error(`${target} has no partial file, or several`);
  return path;
}

/** A path at which a run finds a partial file that another machine might have staged. */
export function foreignPartial(directory: string, target: string): string {
  return join(directory, `.${target}.0123456789abcdef.mtpart`);
}
