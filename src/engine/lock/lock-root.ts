/**
 * One run for a root, and none above it or inside. A run holds a name for its root and one of several for each directory
 * above. First it takes all of them, then it looks for the names of others that would be in the way: the root's of each
 * directory above, and those of runs inside its own. So of two that start together at least one sees the other.
 *
 * That both see each other, and both give up, is what the gate is for: one run of a server at a time makes sure. It
 * is no part of the promise; somebody who keeps it only makes others late.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { HeldName, LockNames } from './lock-names.ts';
import { type LockedDirectory, rootNames, type TargetRoot } from './root-names.ts';

/** How long the gate is waited for. Whoever is in it needs some milliseconds. */
const gatePatienceMs = 2_000;

/** How many names are tried at once. */
const batch = 32;

/**
 * @throws CopyError `target-locked`; system error where names of this kind are not to be had. Then nothing is held.
 */
export async function lockRoot(names: LockNames, target: TargetRoot): Promise<HeldName> {
  const { gate, root, above } = rootNames(target);
  const shown = cleanText(target.path);
  const held: HeldName[] = [];
  const freeAll = async (): Promise<void> => {
    await Promise.all(held.splice(0).map((name) => name.free()));
  };
  const entered = await enterGate(names, gate);
  try {
    const own = await names.take(root.at);
    if (own === undefined) throw locked(`Another run works on ${shown}.`);
    held.push(own);
    for (const directory of above) held.push(await takePlace(names, directory));
    for (const directory of above) {
      if (!(await names.isHeld(directory.at))) continue;
      throw locked(`Another run works on ${cleanText(directory.path)}, above ${shown}.`);
    }
    if (await isAnyHeld(names, root.inside)) throw locked(`Another run works below ${shown}.`);
    return { free: freeAll };
  } catch (error) {
    await freeAll();
    throw error;
  } finally {
    await entered?.free();
  }
}

async function enterGate(names: LockNames, gate: string): Promise<HeldName | undefined> {
  const deadline = performance.now() + gatePatienceMs;
  for (;;) {
    const entered = await names.take(gate);
    if (entered !== undefined || performance.now() >= deadline) return entered;
    await sleep(2 + Math.random() * 10);
  }
}

async function takePlace(names: LockNames, { path, inside }: LockedDirectory): Promise<HeldName> {
  for (const name of inside) {
    const place = await names.take(name);
    if (place !== undefined) return place;
  }
  throw locked(`${inside.length} other runs work below ${cleanText(path)}, and no more can.`);
}

async function isAnyHeld(names: LockNames, all: readonly string[]): Promise<boolean> {
  for (let first = 0; first < all.length; first += batch) {
    const found = await Promise.all(all.slice(first, first + batch).map((name) => names.isHeld(name)));
    if (found.includes(true)) return true;
  }
  return false;
}

function locked(message: string): CopyError {
  return new CopyError('target-locked', message);
}
