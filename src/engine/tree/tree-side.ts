/** What walking a tree, and making one, needs of the local file system or of the server. */
import type { Attributes, NewAttributes } from '../../remotes/remote.ts';
import type { EntryBudget, EntryList } from './entry-list.ts';

export interface TreeSide {
  /** Whether it is on this machine. */
  readonly isLocal: boolean;
  /**
   * The entries of a directory without `.` and `..`; links are not followed. `limit`: with more entries than this, the
   * list ends early. An entry that may not be used (see `DirectoryEntry`) is passed to `onRefused`.
   * @throws {CopyError} `too-many-entries`; of the source or destination: the directory cannot be listed
   */
  list(path: Buffer, options: ListOptions): Promise<EntryList>;
  /** Follows links. Undefined: nothing exists there. */
  stat(path: Buffer): Promise<Attributes | undefined>;
  lstat(path: Buffer): Promise<Attributes | undefined>;
  /** The absolute path without links of a path that exists. */
  realPath(path: Buffer): Promise<Buffer>;
  /** `mode`: permission bits; undefined: as the side chooses. One that exists already is no failure. */
  makeDirectory(path: Buffer, mode: number | undefined): Promise<void>;
  setAttributes(path: Buffer, attributes: NewAttributes): Promise<void>;
  readLink(path: Buffer): Promise<Buffer>;
  makeLink(path: Buffer, text: Buffer): Promise<void>;
  /** Removes a file or a link. */
  remove(path: Buffer): Promise<void>;
  /** Makes the names in a directory durable, where that is needed and possible. */
  syncDirectory(path: Buffer): Promise<void>;
}

export interface ListOptions {
  readonly budget: EntryBudget;
  readonly limit?: number;
  readonly onRefused?: (name: Uint8Array) => void;
}
