/** What a target holds after a run that wrote it in place has failed. */
import { cleanText } from '../../util/clean-text.ts';
import { formatSize } from '../../util/format-size.ts';

export interface OverwrittenTarget {
  readonly path: Uint8Array;
  /** Bytes of the new file that are known to be in the target. */
  readonly bytesThere: number;
  /** Bytes of the new file; undefined: only its end tells. */
  readonly size: number | undefined;
  /** Whether there was a file before. */
  readonly hadContent: boolean;
}

/** Returns a sentence: after an ordinary failure the user expects the old file, which no longer exists. */
export function describeOverwritten({ path, bytesThere, size, hadContent }: OverwrittenTarget): string {
  const target = cleanText(path);
  const lost = hadContent ? ', and its old content is lost' : '';
  if (bytesThere === 0) return `${target} may have been overwritten in part.`;
  if (bytesThere === size) return `${target} was written to its end but is not known to be right${lost}.`;
  const part = size === undefined ? formatSize(bytesThere) : `${formatSize(bytesThere)} of ${formatSize(size)}`;
  return `${target} now has a part of the new file (${part})${lost}.`;
}
