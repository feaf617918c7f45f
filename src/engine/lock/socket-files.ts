/** Names as socket files in a private directory, for systems without abstract sockets or named pipes. */
import { lstatSync, unlinkSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isPrivate } from '../../util/is-private.ts';
import { makeDirectories } from '../../util/make-directories.ts';
import type { HeldName, LockNames } from './lock-names.ts';
import { listenAt, probeSocket } from './name-sockets.ts';

/**
 * Length of sun_path on macOS and the BSDs without the NUL at the end, bytes; Linux has four more. Node 20 truncates a
 * longer path.
 */
const MAX_PATH_LENGTH = 103;

/**
 * Between bind and listen, a socket refuses connections as if its process had ended. It is tried again after this time.
 */
const SECOND_LOOK_MS = 10;

/** Why a directory cannot be used for socket files. */
export class UnfitDirectory extends Error {}

/**
 * @throws {UnfitDirectory} others can write to `directory`, or it is no directory
 * @throws the error of the system: it cannot be created
 */
export async function socketFiles(directory: string): Promise<LockNames> {
  await makeDirectories(directory, 0o700);
  const found = await lstat(directory);
  if (!found.isDirectory()) throw new UnfitDirectory('the path of the directory for locks is not a directory');
  // Others could remove our names from such a directory, or take them.
  if (!isPrivate(found)) throw new UnfitDirectory('others can write to the directory for locks');
  return new SocketFiles(directory);
}

/**
 * The socket file of a process that has ended stays until its name is asked for again, and is removed then.
 *
 * What can go wrong: two processes find the same stale file at the same time, and the second one removes the file that
 * the first one has just created. For all names but the gate, the gate of `lockRoot` prevents that. For the gate
 * itself, the file is compared right before it is removed, so that only a few microseconds remain in which this can
 * happen.
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
    if (Buffer.byteLength(path) > MAX_PATH_LENGTH)
      throw new UnfitDirectory('the path of the directory for locks is too long');
    return path;
  }

  /** Whether no process holds the name. If so, the file has been removed. */
  async #isGone(path: string): Promise<boolean> {
    const before = identityOf(path);
    if (before === undefined) return true;
    let answer = await probeSocket(path);
    if (answer === 'refuses') {
      await sleep(SECOND_LOOK_MS);
      answer = await probeSocket(path);
    }
    if (answer !== 'refuses') return answer === 'missing';
    // Nothing is awaited from here on, so that the file that is removed is the one that refused.
    const now = identityOf(path);
    if (now !== undefined && now !== before) return false;
    if (now !== undefined) unlinkSync(path);
    return true;
  }
}

/** Includes the time, because some file systems use the number of a removed file again at once. */
function identityOf(path: string): string | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (!stats.isSocket()) throw new UnfitDirectory('a file in the directory for locks is not a lock');
  return `${stats.dev} ${stats.ino} ${stats.ctimeNs}`;
}
