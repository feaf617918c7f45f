/** Names as socket files in a private directory, for systems that have nothing better. */
import { lstatSync, unlinkSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeDirectories } from '../../util/make-directories.ts';
import type { HeldName, LockNames } from './lock-names.ts';
import { knockAt, listenAt } from './name-sockets.ts';

/** sun_path of macOS and the BSDs without the NUL at the end; Linux has four more. Node 20 cuts what is longer. */
const longestPath = 103;

/** Between binding and listening a socket refuses as if it were dead: it is asked again after this. */
const secondLookMs = 10;

/** Why no socket files are to be had in a directory. */
export class UnfitDirectory extends Error {}

/** @throws UnfitDirectory, or system error, where `directory` cannot be made or is open to others. */
export async function socketFiles(directory: string): Promise<LockNames> {
  await makeDirectories(directory, 0o700);
  const found = await lstat(directory);
  if (!found.isDirectory()) throw new UnfitDirectory('the place for locks is no directory');
  // In it others could remove our names, or hold them.
  const isOurs = process.getuid === undefined || found.uid === process.getuid();
  if (!isOurs || (found.mode & 0o022) !== 0) throw new UnfitDirectory('others can write where locks are kept');
  return new SocketFiles(directory);
}

/**
 * A file whose process has ended stays until somebody asks for its name. Were two to find the same dead file at once,
 * the second could remove what the first has just put there. The gate of `lockRoot` keeps them apart; where the gate
 * itself is such a file, the look right before removing does, but for some microseconds.
 */
class SocketFiles implements LockNames {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async take(name: string): Promise<HeldName | undefined> {
    const path = this.#path(name);
    return (await listenAt(path)) ?? ((await this.#isGone(path)) ? listenAt(path) : undefined);
  }

  async isHeld(name: string): Promise<boolean> {
    return !(await this.#isGone(this.#path(name)));
  }

  #path(name: string): string {
    const path = join(this.#directory, name);
    if (Buffer.byteLength(path) > longestPath) throw new UnfitDirectory('the path where locks are kept is too long');
    return path;
  }

  /** Whether nobody is there; then there is no file either. */
  async #isGone(path: string): Promise<boolean> {
    const before = identityOf(path);
    if (before === undefined) return true;
    let answer = await knockAt(path);
    if (answer === 'refuses') {
      await sleep(secondLookMs);
      answer = await knockAt(path);
    }
    if (answer !== 'refuses') return answer === 'missing';
    // Nothing is awaited from here on: what is removed is what refused.
    const now = identityOf(path);
    if (now !== undefined && now !== before) return false;
    if (now !== undefined) unlinkSync(path);
    return true;
  }
}

/** Numbers of files are used again at once on some file systems, hence the time. */
function identityOf(path: string): string | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (!stats.isSocket()) throw new UnfitDirectory('something else stands where locks are kept');
  return `${stats.dev} ${stats.ino} ${stats.ctimeNs}`;
}
