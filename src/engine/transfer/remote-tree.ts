/** The server as a side of a copy of trees. Each operation is performed on any connection, and repeated on another. */
import { CopyError, type ErrorCode } from '../../errors.ts';
import type { Attributes, DirectoryEntry, NewAttributes, RemoteConnection } from '../../remotes/remote.ts';
import { joinPath } from '../../util/byte-path.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { ConnectionAccess } from '../connections/connection-access.ts';
import { EntryList } from '../tree/entry-list.ts';
import type { ListOptions, TreeSide } from '../tree/tree-side.ts';

const SOURCE_CODES: ReadonlyMap<ErrorCode, ErrorCode> = new Map([
  ['destination-permission', 'source-unreadable'],
  ['destination-refused', 'source-unreadable'],
  ['partial-refused', 'source-missing'],
]);

export class RemoteTree implements TreeSide {
  readonly isLocal = false;
  readonly #access: Pick<ConnectionAccess, 'withConnection' | 'onProgress'>;
  readonly #isSource: boolean;
  #inProgress = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(access: Pick<ConnectionAccess, 'withConnection' | 'onProgress'>, side: 'source' | 'target') {
    this.#access = access;
    this.#isSource = side === 'source';
  }

  list(path: Buffer, { budget, limit = Number.POSITIVE_INFINITY, onRefused }: ListOptions): Promise<EntryList> {
    return this.#perform(async (remote) => {
      const list = new EntryList(budget);
      const refused: Uint8Array[] = [];
      try {
        for await (const batch of remote.list(path)) {
          for (const { name, attributes, isRefused } of await withKinds(remote, path, batch)) {
            if (isRefused) refused.push(name);
            else if (list.length < limit) list.add(name, attributes);
          }
          if (list.length >= limit || refused.length > MAX_REFUSED) break;
          // A long listing is progress, though nothing is copied meanwhile.
          this.#access.onProgress();
        }
      } catch (error) {
        list.release();
        if (CopyError.from(error).code !== 'too-many-entries') throw error;
        throw new CopyError('too-many-entries', `${cleanText(path)} has too many entries.`);
      }
      for (const name of refused) onRefused?.(name);
      return list;
    });
  }

  stat(path: Buffer): Promise<Attributes | undefined> {
    return this.#perform((remote) => remote.stat(path));
  }

  lstat(path: Buffer): Promise<Attributes | undefined> {
    return this.#perform((remote) => remote.lstat(path));
  }

  async realPath(path: Buffer): Promise<Buffer> {
    return Buffer.from(await this.#perform((remote) => remote.realPath(path)));
  }

  makeDirectory(path: Buffer, mode: number | undefined): Promise<void> {
    return this.#perform(async (remote) => {
      try {
        await remote.makeDirectory(path, mode);
      } catch (error) {
        if (CopyError.from(error).scope !== 'file') throw error;
        // Another program may have made it meanwhile, or the answer to an earlier attempt was lost.
        const found = await remote.lstat(path).catch(() => undefined);
        if (found?.kind !== 'directory') throw error;
      }
    });
  }

  setAttributes(path: Buffer, attributes: NewAttributes): Promise<void> {
    return this.#perform((remote) => remote.setAttributes(path, attributes));
  }

  async readLink(path: Buffer): Promise<Buffer> {
    return Buffer.from(await this.#perform((remote) => remote.readLink(path)));
  }

  makeLink(path: Buffer, text: Buffer): Promise<void> {
    let isRepeat = false;
    return this.#perform(async (remote) => {
      const wasTried = isRepeat;
      isRepeat = true;
      try {
        await remote.makeLink(path, text);
      } catch (error) {
        // The answer to an earlier attempt was lost.
        const isMade = wasTried && Buffer.from(await remote.readLink(path).catch(() => Buffer.alloc(0))).equals(text);
        if (!isMade) throw error;
      }
    });
  }

  remove(path: Buffer): Promise<void> {
    return this.#perform((remote) => remote.remove(path));
  }

  /** A server does not offer that. */
  async syncDirectory(): Promise<void> {}

  async #perform<T>(work: (remote: RemoteConnection) => Promise<T>): Promise<T> {
    while (this.#inProgress >= MAX_OPERATIONS) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#inProgress++;
    try {
      return await this.#access.withConnection((_, remote) => work(remote));
    } catch (error) {
      const failure = CopyError.from(error);
      // The remote speaks of a destination, because it does not know which side of the copy a path is on.
      const code = this.#isSource ? SOURCE_CODES.get(failure.code) : undefined;
      throw code === undefined ? failure : new CopyError(code, failure.message, { cause: failure });
    } finally {
      this.#inProgress--;
      this.#waiting.shift()?.();
    }
  }
}

/** Entries of which the server has not told the kind are looked at by their name. */
async function withKinds(
  remote: RemoteConnection,
  directory: Buffer,
  batch: readonly DirectoryEntry[],
): Promise<readonly DirectoryEntry[]> {
  if (batch.every(({ attributes, isRefused }) => isRefused || attributes.isKindKnown !== false)) return batch;
  const known: DirectoryEntry[] = [];
  for (let offset = 0; offset < batch.length; offset += MAX_LOOKS) {
    const some = batch.slice(offset, offset + MAX_LOOKS).map(async (entry) => {
      if (entry.isRefused || entry.attributes.isKindKnown !== false) return entry;
      const attributes = await remote.lstat(joinPath(directory, entry.name));
      return attributes === undefined ? entry : { ...entry, attributes };
    });
    known.push(...(await Promise.all(some)));
  }
  return known;
}

/** Operations at a time: a connection has room for 4096 requests, and small files need most of it. */
const MAX_OPERATIONS = 256;
/** Entries of one directory whose kind is asked for at a time. */
const MAX_LOOKS = 8;
/** Names that are refused, after which the listing of a directory is not read on. */
const MAX_REFUSED = 100;
