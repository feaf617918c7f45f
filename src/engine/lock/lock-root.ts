/**
 * Locks a target root, so that no other run works on this root, on a directory above it, or on one inside it.
 *
 * A run holds one name for its root, and for each directory above the root one of the names that stand for a run inside
 * that directory. It first takes all of its names and then looks for those of others: the names of the directories
 * above as roots, and the names of runs inside its own root. Therefore, if two runs start at the same time, at least
 * one of them sees the other.
 *
 * Without more, both could see each other and both give up. To prevent that, only one run at a time passes the gate of
 * a server, which is another name. The lock does not depend on the gate: a process that keeps the gate only delays
 * others.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CopyError } from '../../errors.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { HeldName, LockNames } from './lock-names.ts';
import { type LockedDirectory, rootNames, type TargetRoot } from './root-names.ts';

/** How long to wait for the gate. A run holds it for a few milliseconds. */
const GATE_PATIENCE_MS = 2_000;

/** How many names are examined at the same time. */
const BATCH = 32;

/**
 * Takes the lock, or holds nothing.
 * @throws {CopyError} `target-locked`: another run works on the root, above it or inside it
 * @throws the error of the system: it does not support names of this kind
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
  const deadline = performance.now() + GATE_PATIENCE_MS;
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
  for (let first = 0; first < all.length; first += BATCH) {
    const found = await Promise.all(all.slice(first, first + BATCH).map((name) => names.isHeld(name)));
    if (found.includes(true)) return true;
  }
  return false;
}

function locked(message: string): CopyError {
  return new CopyError('target-locked', message);
}
