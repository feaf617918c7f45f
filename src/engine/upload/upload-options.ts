/** The options that only uploads have, and what the file jobs of uploads receive. */
import type { FileAdmission } from '../connections/file-admission.ts';
import type { JobServices } from '../transfer/direction.ts';
import type { TreeOptions } from '../transfer/plan-trees.ts';
import type { Writers } from './writers.ts';

export interface UploadOptions {
  /** The path on the server; empty: the home directory. */
  readonly destination: Uint8Array;
  /** Write the target itself. */
  readonly inplace: boolean;
  /** Give the target the mode bits and times of the source. */
  readonly preserve: boolean;
  readonly trees: TreeOptions;
}

/** What all files of an upload have in common. */
export interface UploadSettings extends Pick<UploadOptions, 'inplace' | 'preserve'> {
  readonly writers: Writers;
  readonly admission: FileAdmission;
}

export interface UploadServices extends JobServices {
  readonly upload: UploadSettings;
}
