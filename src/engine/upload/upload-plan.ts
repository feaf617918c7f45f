/** One file that is going to be uploaded. */
import { cleanText } from '../../util/clean-text.ts';
import type { SourceFile } from '../local/local-files.ts';
import type { Target } from '../transfer/destination.ts';
import type { PlannedFile } from '../transfer/direction.ts';

/** What the run is told of the file, and what its job needs to begin. */
export interface PlannedUpload extends PlannedFile {
  readonly source: SourceFile;
  readonly target: Target;
}

export interface UploadPlan {
  /** Of the source. */
  readonly path: Buffer;
  readonly target: Target;
  /** For messages. */
  readonly name: string;
  readonly shownTarget: string;
  /** For events: reversible text of the paths. */
  readonly paths: { readonly source: string; readonly target: string };
}

export function uploadPlanOf({ source: { path }, target, paths }: PlannedUpload): UploadPlan {
  return { path, target, name: cleanText(path), shownTarget: cleanText(target.path), paths };
}
