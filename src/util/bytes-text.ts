/**
 * Reversible text for bytes that need not be UTF-8, for example path names. Valid UTF-8 is decoded as usual, and every
 * other byte becomes a lone surrogate from U+DC80 to U+DCFF (as Python's `surrogateescape`, PEP 383). UTF-8 never
 * encodes a surrogate, so that the two cannot be confused.
 */

const FIRST_ESCAPE = 0xdc80;
const LAST_ESCAPE = 0xdcff;
const ESCAPED = /[\uDC80-\uDCFF]/u;

/** The text of `bytes`; {@link bytesFromText} gives the same bytes back, whatever they are. */
export function textFromBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const plain = buffer.toString('utf8');
  if (!plain.includes('\uFFFD') || Buffer.from(plain, 'utf8').equals(buffer)) return plain;
  const parts: string[] = [];
  let offset = 0;
  while (offset < buffer.length) {
    const length = sequenceLength(buffer, offset);
    parts.push(
      length === 0 ? String.fromCharCode(0xdc00 + buffer[offset]!) : buffer.toString('utf8', offset, offset + length),
    );
    offset += Math.max(1, length);
  }
  return parts.join('');
}

/**
 * The bytes of `text`: UTF-8, with U+DC80 to U+DCFF standing for the bytes 0x80 to 0xFF. Any other lone surrogate
 * becomes U+FFFD.
 */
export function bytesFromText(text: string): Buffer {
  if (!ESCAPED.test(text)) return Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  let plain = '';
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code < FIRST_ESCAPE || code > LAST_ESCAPE) {
      plain += character;
      continue;
    }
    parts.push(Buffer.from(plain, 'utf8'), Buffer.of(code - 0xdc00));
    plain = '';
  }
  parts.push(Buffer.from(plain, 'utf8'));
  return Buffer.concat(parts);
}

/** Whether `text` stands for bytes that are not UTF-8. */
export function hasRawBytes(text: string): boolean {
  return ESCAPED.test(text);
}

/** The length of the valid UTF-8 sequence at `offset`; 0 if there is none (RFC 3629, table 3-7 of Unicode). */
function sequenceLength(bytes: Uint8Array, offset: number): number {
  const first = bytes[offset]!;
  if (first < 0x80) return 1;
  const length =
    first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
  if (length === 0 || offset + length > bytes.length) return 0;
  const second = bytes[offset + 1]!;
  // These four first bytes narrow the second one: no overlong form, no surrogate, nothing above U+10FFFF.
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let i = 2; i < length; i++) {
    const byte = bytes[offset + i]!;
    if (byte < 0x80 || byte > 0xbf) return 0;
  }
  return length;
}
