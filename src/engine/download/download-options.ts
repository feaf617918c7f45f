/** What only downloads are told, and what their file jobs receive. */
import type { FileAdmission } from '../connections/file-admission.ts';
import type { JobServices } from '../transfer/direction.ts';
import type { TreeOptions } from '../transfer/plan-trees.ts';
import type { LeftPartials } from './left-partials.ts';
import type { ReaderLimits } from './reader-limits.ts';

export interface DownloadOptions {
  /** Paths on the server; relative ones begin at the home directory. At least one. */
  readonly sources: readonly Uint8Array[];
  /** Local path. */
  readonly destination: Uint8Array;
  /** Write the target itself. */
  readonly inplace: boolean;
  /** Give the target the mode bits and times of the source. */
  readonly preserve: boolean;
  readonly trees: TreeOptions;
}

export interface DownloadServices extends JobServices {
  readonly download: Pick<DownloadOptions, 'inplace' | 'preserve'>;
  readonly admission: FileAdmission;
  readonly readers: ReaderLimits;
  readonly left: LeftPartials;
}
