/**
 * Text and names from a server as they may be shown: control characters and what reorders or hides text come as `\xNN`
 * or `\u{...}`, bytes that are no UTF-8 as U+FFFD.
 */

/** Text, white space around it left out; cut to `maxLength` UTF-16 units, an ellipsis after it. */
export function readableText(bytes: Uint8Array, maxLength = 200): string {
  // No character takes more than four bytes: what is cut off here would be cut off later.
  const clean = escapeUnsafe(decode(bytes.subarray(0, maxLength * 4 + 1)).trim());
  return clean.length > maxLength ? `${clean.slice(0, maxLength)}…` : clean;
}

/** A path, whole. */
export function readablePath(bytes: Uint8Array): string {
  return escapeUnsafe(decode(bytes));
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

function escapeUnsafe(text: string): string {
  return text.replace(unsafe, (character) => {
    const hex = character.codePointAt(0)!.toString(16);
    return hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`;
  });
}

/** C0, DEL, C1; format characters (bidi controls, zero width); line and paragraph separators. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
