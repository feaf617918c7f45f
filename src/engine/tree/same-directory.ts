/** Recognises a directory that contains itself by way of a link. */
import type { TreeDirectory } from './tree-directory.ts';

/** Whether `real`, a path without links, is `directory` or one of those above it. */
export function isSameDirectory(directory: TreeDirectory, real: Buffer): boolean {
  for (let above: TreeDirectory | undefined = directory; above !== undefined; above = above.parent) {
    if (above.place.realSource.equals(real)) return true;
  }
  return false;
}
