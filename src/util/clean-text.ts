/** Escapes text that comes from outside, so that a terminal can print it safely. */

/**
 * C0, DEL, C1, soft hyphen, bidirectional controls, zero-width and other invisible characters, line and paragraph
 * separators, tags, and surrogates without a partner (with the `u` flag the range matches only those).
 */
export const unsafeText: RegExp =
  /[\0-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\ud800-\udfff]/gu;

/**
 * Returns `text` with everything that a terminal could obey or hide replaced by `\xNN` (C0, DEL, bytes that are not
 * UTF-8) or `\u{...}` (C1, bidirectional and zero-width characters, U+2028, U+2029). The result is one line.
 */
export function cleanText(text: string | Uint8Array): string {
  return typeof text === 'string' ? escapeUnsafe(text) : cleanBytes(text);
}

function escapeUnsafe(text: string): string {
  return text.replace(unsafeText, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x80 ? escapeByte(code) : `\\u{${code.toString(16)}}`;
  });
}

function escapeByte(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function cleanBytes(bytes: Uint8Array): string {
  const whole = decode(bytes);
  if (whole !== undefined) return escapeUnsafe(whole);
  let text = '';
  for (let offset = 0; offset < bytes.length; ) {
    const length = sequenceLength(bytes[offset] ?? 0);
    const character = decode(bytes.subarray(offset, offset + length));
    text += character === undefined ? escapeByte(bytes[offset] ?? 0) : escapeUnsafe(character);
    offset += character === undefined ? 1 : length;
  }
  return text;
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** By the first byte of a UTF-8 sequence (RFC 3629). */
function sequenceLength(first: number): number {
  if (first >= 0xf0) return 4;
  if (first >= 0xe0) return 3;
  return first >= 0xc0 ? 2 : 1;
}
