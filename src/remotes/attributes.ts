/** The attributes of a file or directory on a remote, and those that can be set. */

export interface Attributes {
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  /** False where the server did not tell the kind, so that a file is assumed. Otherwise left out. */
  readonly isKindKnown?: false;
  readonly size: number;
  readonly mtimeMs?: number;
  /** When it was last read, or the value that was set explicitly. */
  readonly atimeMs?: number;
  /** Permission bits, 0 to 0o7777. */
  readonly mode?: number;
}

export interface NewAttributes {
  /** Permission bits. */
  readonly mode?: number;
  readonly mtimeMs?: number;
}

export interface DirectoryEntry {
  /** One name, never a path unless `isRefused` is set. It comes from the server: clean it before printing. */
  readonly name: Uint8Array;
  /** Those of the entry itself: symbolic links are not followed. Some servers leave some of them out. */
  readonly attributes: Attributes;
  /**
   * Set where the name is not a plain name: it is empty, or contains `/` or NUL. Such a name could lead out of the
   * directory. It must not become part of a path: refuse the entry. It does not prevent the others from being copied.
   */
  readonly isRefused?: true;
}

/** The result of `RemoteConnection.readWhole`. */
export interface WholeFile {
  readonly bytes: Buffer;
  /** Those that the file had before and after it was read. */
  readonly attributes: Attributes;
}
