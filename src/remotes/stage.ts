/** The part of the contract about staged files that are not open: how they are identified, found and made. */
import type { Attributes } from './attributes.ts';
import type { Seal } from './seal.ts';

/**
 * What another connection needs to open the same staged file; cloneable. `stage` identifies the staged file: it is the
 * same in all tokens of one staged file, and never the same for two of them. Only the remote knows the other entries:
 * for SFTP this is the path of the partial file, for S3 it would be the upload id.
 */
export type StageToken = { readonly stage: string } & Readonly<Record<string, string | number | boolean>>;

/** A staged file that `RemoteConnection.findStaged` found. */
export interface FoundStage {
  readonly token: StageToken;
  /** For people. */
  readonly path: Uint8Array;
  /** The attributes when it was found. */
  readonly attributes: Attributes;
  /** False where it may have been staged for another target with a similar name, because long names are shortened. */
  readonly isCertain: boolean;
}

/** A name for a staged file that does not exist yet. */
export interface DrawnStage {
  readonly token: StageToken;
  /** For people. */
  readonly path: Uint8Array;
}

/** The result of `RemoteConnection.copyStaged`. */
export interface CopiedStage {
  /** What could not be done, such as making the copy unreadable for others. For people. */
  readonly warnings: readonly string[];
}

/** The result of `RemoteConnection.stageWhole`. */
export interface StagedWhole {
  readonly token: StageToken;
  readonly seal: Seal;
  /**
   * How long the server took to make the file durable, in milliseconds: from its answer to the last write to its answer
   * to the sync. Undefined where nothing was written or synced.
   */
  readonly syncMs?: number;
}
