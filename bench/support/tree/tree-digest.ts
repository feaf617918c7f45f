import { createHash, type Hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

function add(hash: Hash, path: string, name: string): void {
  const entries = readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  hash.update(JSON.stringify([name, entries.map((entry) => entry.name)]));
  for (const entry of entries) {
    const [below, within] = [join(path, entry.name), `${name}/${entry.name}`];
    if (entry.isDirectory()) add(hash, below, within);
    else if (entry.isFile()) hash.update(createHash('sha256').update(readFileSync(below)).digest());
    else throw new Error(`${within} is neither a file nor a directory`);
  }
}

/** The sha256 of a tree: of the names of its files and directories, and of the contents of the files. */
export function treeDigest(path: string): string {
  const hash = createHash('sha256');
  add(hash, path, '');
  return hash.digest('hex');
}
