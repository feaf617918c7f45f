import { bytesFromText, hasRawBytes } from '../util/bytes-text.ts';
import { cleanText } from '../util/clean-text.ts';

/** A path as people may see it: control characters and bytes that are not UTF-8 made visible. */
export function showName(path: string): string {
  return cleanText(hasRawBytes(path) ? bytesFromText(path) : path);
}

/** The last part of a path, as people may see it; the whole path where it has none. */
export function showBaseName(path: string): string {
  return showName(/[^/]+(?=\/*$)/.exec(path)?.[0] ?? path);
}
