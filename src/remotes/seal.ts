/** The part of the contract about the end of a staged file: what it is sealed with, and how it becomes the target. */
import type { Attributes, NewAttributes } from './attributes.ts';

/** The attributes of the committed file. Where `mode` is left out, the server chooses it. */
export interface FinalAttributes extends NewAttributes {
  readonly size: number;
  /**
   * Whether the server has read every byte since it was written, and all were right, so that no write can have been
   * lost.
   */
  readonly isVerified?: boolean;
}

/** The state of a staged file after our last change to it. Cloneable. */
export interface Seal {
  readonly size: number;
  /** Whether the server refused to tell the attributes; `size` is then what was acknowledged. */
  readonly isUnseen?: boolean;
  /** The modification time that the server reports. */
  readonly mtimeMs?: number;
  /** What could not be done although the data is right, such as setting the times. For people. */
  readonly warnings: readonly string[];
}

export interface PublishOptions {
  /**
   * Whether an earlier call may have succeeded without its answer, which was lost with the connection. Only then does a
   * target that looks like the seal count as ours. Default: false.
   */
  readonly isRepeat?: boolean;
  /** What existed at the target when the run began. Left out where that is unknown; the target is not compared then. */
  readonly replaces?: Attributes | 'nothing';
}

export interface Published {
  /** False where the old target was removed before the new one took its place. */
  readonly isAtomic: boolean;
  /** The size of the target, read back from the server; undefined where it cannot be read. */
  readonly size: number | undefined;
  /** What could not be done although the new file is in its place, such as removing the old one. For people. */
  readonly warnings?: readonly string[];
}
