/** One file that is going to be uploaded. */
import { textFromBytes } from '../../util/bytes-text.ts';
import { cleanText } from '../../util/clean-text.ts';
import type { UploadTarget } from './destination.ts';

export interface UploadPlan {
  /** Of the source. */
  readonly path: Buffer;
  readonly target: UploadTarget;
  /** For messages. */
  readonly name: string;
  readonly shownTarget: string;
  /** For events: reversible text of the paths. */
  readonly paths: { readonly source: string; readonly target: string };
}

export function planUpload(path: Buffer, target: UploadTarget): UploadPlan {
  const paths = { source: textFromBytes(path), target: textFromBytes(target.path) };
  return { path, target, name: cleanText(path), shownTarget: cleanText(target.path), paths };
}
