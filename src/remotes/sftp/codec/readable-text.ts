import { cleanText } from '../../../util/clean-text.ts';

/** A text of the server as it may be shown: cleaned, trimmed, and cut to `maxLength` UTF-16 units. */
export function readableText(bytes: Uint8Array, maxLength: number = 200): string {
  // A character takes at most four bytes, so that what is cut off here would be cut off below in any case.
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, maxLength * 4 + 1));
  const clean = cleanText(text.trim());
  return clean.length > maxLength ? `${clean.slice(0, maxLength)}…` : clean;
}
