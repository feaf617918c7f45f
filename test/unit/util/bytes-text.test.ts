import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesFromText, hasRawBytes, textFromBytes } from '../../../src/util/bytes-text.ts';
import { anyText } from '../../support/any-text.ts';
import { byTier } from '../../support/tier.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);

describe('bytes as text', () => {
  it('keeps every string of bytes', () => {
    // Bytes that begin or continue a sequence are where decoders differ.
    const nasty = fc.constantFrom(
      0x00,
      0x41,
      0x7f,
      0x80,
      0xa0,
      0xbd,
      0xbf,
      0xc0,
      0xc2,
      0xe0,
      0xed,
      0xef,
      0xf0,
      0xf4,
      0xf5,
      0xff,
    );
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.array(nasty, { maxLength: 12 }).map((values) => Uint8Array.from(values)),
    );
    fc.assert(
      fc.property(any, (value) => {
        expect(bytesFromText(textFromBytes(value))).toEqual(Buffer.from(value));
      }),
      { numRuns: byTier(500, 20_000) },
    );
  });

  it('leaves UTF-8 as it reads', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        expect(textFromBytes(Buffer.from(text, 'utf8'))).toBe(text);
      }),
    );
  });

  it('escapes exactly the bytes that are not UTF-8', () => {
    expect(textFromBytes(bytes(0x61, 0xff, 0xc3, 0xa9))).toBe('a\udcff\u00e9');
    expect(textFromBytes(bytes(0xed, 0xb2, 0x80))).toBe('\udced\udcb2\udc80');
    expect(textFromBytes(bytes(0xc0, 0xaf))).toBe('\udcc0\udcaf');
    expect(textFromBytes(bytes(0xf4, 0x90, 0x80, 0x80))).toBe('\udcf4\udc90\udc80\udc80');
    expect(textFromBytes(bytes(0xe2, 0x82))).toBe('\udce2\udc82');
    expect(textFromBytes(bytes(0xef, 0xbf, 0xbd, 0xff))).toBe('\ufffd\udcff');
  });

  it('knows text that stands for raw bytes', () => {
    expect(hasRawBytes('a\udc80')).toBe(true);
    expect(hasRawBytes('a\u{1f600}\u00e9')).toBe(false);
  });

  it('gives other lone surrogates up', () => {
    expect(bytesFromText('\ud800\udc7f\udc80x\ud801').toString('latin1')).toBe(
      Buffer.concat([Buffer.from('\u{1007f}'), bytes(0x80), Buffer.from('x\ufffd')]).toString('latin1'),
    );
  });
});
