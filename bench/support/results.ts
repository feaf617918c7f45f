import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repoRoot } from '../../test/support/repo-root.ts';

/** Keeps what a scene measured, as bench/results/SCENE.json. Returns its path within the project. */
export async function writeResults(scene: string, results: object): Promise<string> {
  const name = `bench/results/${scene}.json`;
  await mkdir(join(repoRoot, 'bench/results'), { recursive: true });
  await writeFile(join(repoRoot, name), `${JSON.stringify(results, undefined, 2)}\n`);
  return name;
}
