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
  /** One name, never a path. It comes from the server: clean it before printing. */
  readonly name: Uint8Array;
  /** Those of the entry itself: symbolic links are not followed. Some servers leave some of them out. */
  readonly attributes: Attributes;
}
