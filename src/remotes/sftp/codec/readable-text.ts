import { cleanText } from '../../../util/clean-text.ts';

/** What a server says, as it may be shown: clean, without white space around it, cut to `maxLength` UTF-16 units. */
export function readableText(bytes: Uint8Array, maxLength: number = 200): string {
  // No character takes more than four bytes: what is cut off here would be cut off later.
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, maxLength * 4 + 1));
  const clean = cleanText(text.trim());
  return clean.length > maxLength ? `${clean.slice(0, maxLength)}…` : clean;
}
