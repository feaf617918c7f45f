/** One file that is going to be downloaded. */
import type { Attributes } from '../../remotes/remote.ts';
import type { Target } from '../transfer/destination.ts';
import type { PlannedFile } from '../transfer/direction.ts';

export interface PlannedDownload extends PlannedFile {
  /** Path on the server. */
  readonly source: Uint8Array;
  /** Of the source, as they were when it was looked at. */
  readonly attributes: Attributes;
  readonly target: Target;
}
