import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seeded } from '../../../test/support/seeded.ts';

/** A tree of files whose sizes are spread evenly between two bounds. */
export interface TreePlan {
  readonly files: number;
  /** Without the root; all of them hold files, and none of them more than ten directories. */
  readonly directories: number;
  /** Bytes. */
  readonly smallest: number;
  readonly largest: number;
}

const SEED = 14;
const NOISE_BYTES = 2 ** 20;
/** A file that is not empty takes at least one of these, wherever it is kept. */
const DISK_BLOCK = 4096;

/** The size of each file in turn, the same in every run. */
function* sizesOf({ files, smallest, largest }: TreePlan): Generator<number, void, undefined> {
  const random = seeded(SEED);
  for (let file = 0; file < files; file++) yield smallest + Math.floor(random() * (largest - smallest + 1));
}

/** What is in the files altogether. */
export function treeBytes(plan: TreePlan): number {
  let bytes = 0;
  for (const size of sizesOf(plan)) bytes += size;
  return bytes;
}

/** What the tree takes where it is kept, at most. */
export function treeRoom(plan: TreePlan): number {
  return treeBytes(plan) + (plan.files + plan.directories) * 2 * DISK_BLOCK;
}

/** The directories below `root`, each after the one that it is in. */
function directoriesBelow(root: string, count: number): string[] {
  const paths = [root];
  for (let number = 1; number <= count; number++) {
    paths.push(join(paths[Math.floor((number - 1) / 10)]!, `directory-${number}`));
  }
  return paths.slice(1);
}

export function writeTree(root: string, plan: TreePlan): void {
  const directories = directoriesBelow(root, plan.directories);
  mkdirSync(root);
  for (const path of directories) mkdirSync(path);
  const noise = randomBytes(plan.largest + NOISE_BYTES);
  let number = 0;
  for (const size of sizesOf(plan)) {
    const offset = (number * 4099) % NOISE_BYTES;
    const path = join(directories[number % directories.length]!, `file-${number}.bin`);
    writeFileSync(path, noise.subarray(offset, offset + size));
    number++;
  }
}
