import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(): string {
  // Bundled programs lie at another depth than the sources do, so the way up is searched, not counted.
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, 'package.json'))) {
    const parent = dirname(dir);
    if (parent === dir) throw new Error('No package.json above this file');
    dir = parent;
  }
  return dir;
}

/** The project's directory, from sources and from bundles alike. */
export const repoRoot: string = findRoot();
