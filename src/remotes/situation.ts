/** What a remote can tell of the surroundings of a target, to explain a failure. */
import type { Attributes } from './attributes.ts';

/** What stands around a target. Undefined means everywhere that it could not be told. Cloneable. */
export interface Situation {
  /** What stands at the target, links followed. */
  readonly target: Attributes | 'missing' | undefined;
  /** Whether an existing target may be written as it stands; told only where that was tried. */
  readonly isTargetWritable: boolean | undefined;
  /** The staged file beside the target; undefined where none was asked about. */
  readonly staged: { readonly path: Uint8Array; readonly at: Attributes | 'missing' | undefined } | undefined;
  readonly space: FreeSpace | undefined;
  readonly trial: DirectoryTrial | undefined;
}

/** Of the file system of a directory. Quotas are not known to it. */
export interface FreeSpace {
  /** Bytes that this account could still write. */
  readonly availableBytes: number;
  /** Files it could still create; undefined where the file system has no such limit. */
  readonly availableFiles: number | undefined;
  readonly isReadOnly: boolean;
}

/** What a directory allows, as tried on a new file with an ordinary name. */
export interface DirectoryTrial {
  readonly creates: boolean;
  /** Whether the new file took some bytes. */
  readonly writes?: boolean | undefined;
  /** Whether it could be given another name. */
  readonly renames?: boolean | undefined;
  readonly removes?: boolean | undefined;
  /** The new file, where it could not be removed. */
  readonly leftBehind?: Uint8Array | undefined;
}
