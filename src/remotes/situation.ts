/** What a remote can find out about a target and its surroundings, to explain a failure. */
import type { Attributes } from './attributes.ts';

/** A target and its surroundings. A field that could not be found out is undefined. Cloneable. */
export interface Situation {
  /** What exists at the target, links followed. */
  readonly target: Attributes | 'missing' | undefined;
  /** Whether an existing target can be opened for writing; defined only where that was tried. */
  readonly isTargetWritable: boolean | undefined;
  /** The staged file of the target; undefined also where the caller named none. */
  readonly staged: { readonly path: Uint8Array; readonly at: Attributes | 'missing' | undefined } | undefined;
  readonly space: FreeSpace | undefined;
  readonly trial: DirectoryTrial | undefined;
}

/** The free space in the file system of a directory. Quotas are not considered. */
export interface FreeSpace {
  /** How many bytes this account could still write. */
  readonly availableBytes: number;
  /** How many files it could still create; undefined where the file system has no such limit. */
  readonly availableFiles: number | undefined;
  readonly isReadOnly: boolean;
}

/** What a directory allows, as tried out on a new file with an ordinary name. */
export interface DirectoryTrial {
  readonly creates: boolean;
  /** Whether bytes could be written to the new file. */
  readonly writes?: boolean | undefined;
  /** Whether the new file could be renamed. */
  readonly renames?: boolean | undefined;
  readonly removes?: boolean | undefined;
  /** The path of the new file, where it could not be removed. */
  readonly leftBehind?: Uint8Array | undefined;
}
