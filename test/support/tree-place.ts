/** Where tests of trees have their sources and their targets, in both directions. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Copy, copy, type Direction, type Sides, sidesOf } from './directions.ts';
import type { Bed } from './each-server.ts';
import { makeTree, type Owner, type TreePlan } from './make-tree.ts';
import type { RunResult } from './process.ts';

let lastPlace = 0;

/** What a copy of a test has beside its paths. */
export type CopyOptions = Partial<Pick<Copy, 'cwd' | 'input' | 'as' | 'timeoutMs'>>;

/** A directory of its own for sources, and one for targets. Relative paths on either side begin with `name`. */
export interface TreePlace {
  readonly direction: Direction;
  readonly name: string;
  source(...names: string[]): string;
  target(...names: string[]): string;
  makeSource(path: string, plan: TreePlan): Promise<void>;
  /** The directory of the targets is there after this, or after a copy. */
  makeTarget(path: string, plan: TreePlan): Promise<void>;
  /** Paths on the side of the server begin there, and on this side at `cwd`. */
  copyOf(
    sources: readonly (string | Buffer)[],
    destination: string,
    more?: readonly string[],
    options?: CopyOptions,
  ): Copy;
  /** The same, from the directory of the sources into that of the targets. */
  copy(
    sources: readonly (string | Buffer)[],
    destination: string,
    more?: readonly string[],
    options?: CopyOptions,
  ): Promise<RunResult>;
}

/** Who has what is in the home of the account: of what a test makes there, it is to be the owner. */
export async function ownerOf(home: string): Promise<Owner> {
  const { uid, gid } = await stat(home);
  return { uid, gid };
}

export function treePlace(bed: Bed, direction: Direction): TreePlace {
  const name = `place-${++lastPlace}`;
  const { server, dir } = bed;
  const sides: Sides = sidesOf(direction, bed);
  const source = (...names: string[]) => join(sides.sources, name, ...names);
  const target = (...names: string[]) => join(sides.targets, name, ...names);
  const make = async (path: string, plan: TreePlan, isThere: boolean) =>
    makeTree(path, plan, isThere ? await ownerOf(server.home) : undefined);
  const copyOf: TreePlace['copyOf'] = (sources, destination, more = [], options = {}) => ({
    direction,
    server,
    cwd: dir.path,
    sources: sources.map((path) =>
      Buffer.isBuffer(path) ? Buffer.concat([Buffer.from(`${name}/`), path]) : `${name}/${path}`,
    ),
    destination: `${name}/${destination}`,
    more,
    ...options,
  });
  return {
    direction,
    name,
    source,
    target,
    makeSource: (path, plan) => make(source(path), plan, direction === 'down'),
    makeTarget: (path, plan) => make(target(path), plan, direction === 'up'),
    copyOf,
    copy: (...parts) => copy(copyOf(...parts)),
  };
}
