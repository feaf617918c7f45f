/**
 * Removes what earlier runs left of files that are too short to be continued. There may be very many of them in one
 * directory, so that each directory is listed only once.
 */
import { directoryName } from '../../util/byte-path.ts';
import { LocalPartial } from '../local/local-partial.ts';
import { isOnSharedFileSystem, listPartialNames, partialsAmong, removeIfOld } from '../local/local-partials.ts';

export class LeftPartials {
  readonly #names = new Map<string, Promise<Buffer[]>>();

  /**
   * To be called while the lock on the target is held: no other run of this machine writes them. On a file system that
   * other machines share, only those are removed that nobody has written to for a day.
   */
  async removeOf(target: Uint8Array): Promise<void> {
    const found = await partialsAmong(await this.#namesBeside(target), target);
    if (found.length === 0) return;
    const isShared = await isOnSharedFileSystem(target);
    for (const partial of found) {
      if (isShared) await removeIfOld(partial);
      else if (partial.isCertain) await LocalPartial.discardEarlier(partial.path);
    }
  }

  #namesBeside(target: Uint8Array): Promise<Buffer[]> {
    const directory = directoryName(target);
    const key = directory.toString('latin1');
    const names = this.#names.get(key) ?? listPartialNames(directory);
    this.#names.set(key, names);
    return names;
  }
}
