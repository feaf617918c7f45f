import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repoRoot } from '../../test/support/repo-root.ts';
import { rounded } from './ratio.ts';

const DIRECTORY = 'bench/results';

/** Keeps what was measured, as bench/results/NAME.json. Returns its path within the project. */
export async function writeResults(name: string, results: object): Promise<string> {
  const path = `${DIRECTORY}/${name}.json`;
  await mkdir(join(repoRoot, DIRECTORY), { recursive: true });
  const text = JSON.stringify(results, (_, value) => (typeof value === 'number' ? rounded(value) : value), 2);
  await writeFile(join(repoRoot, path), `${text}\n`);
  return path;
}

/** All that is kept, by name. */
export async function readResults(): Promise<Record<string, unknown>> {
  const names = (await readdir(join(repoRoot, DIRECTORY))).filter((name) => name.endsWith('.json')).sort();
  const entries = names.map(async (name) => {
    const text = await readFile(join(repoRoot, DIRECTORY, name), 'utf8');
    return [name.slice(0, -'.json'.length), JSON.parse(text)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
