import { describe, expect, test } from 'vitest';
import { cleanText } from '../../../src/util/clean-text.ts';

describe('cleanText', () => {
  test.each([
    ['plain, with umlauts: äöü, 漢字, 🚀', 'plain, with umlauts: äöü, 漢字, 🚀'],
    ['\u001b[31mred\u0007', '\\x1b[31mred\\x07'],
    ['a\r\nb\tc\0', 'a\\x0d\\x0ab\\x09c\\x00'],
    ['\u007f\u009b1m', '\\x7f\\u{9b}1m'],
    ['\u202egnp.exe\u2066\u2069', '\\u{202e}gnp.exe\\u{2066}\\u{2069}'],
    ['a\u2028b\u2029c', 'a\\u{2028}b\\u{2029}c'],
    ['\u200b\u200d\ufeff\u2060', '\\u{200b}\\u{200d}\\u{feff}\\u{2060}'],
    ['\ud800x', '\\u{d800}x'],
    ['\u{e0041}', '\\u{e0041}'],
  ])('%j', (text, clean) => {
    expect(cleanText(text)).toBe(clean);
  });

  test('bytes that are UTF-8 are the same as text', () => {
    const text = 'ä\u001b漢🚀\u202e';
    expect(cleanText(new TextEncoder().encode(text))).toBe(cleanText(text));
  });

  test('bytes that are not UTF-8 are shown one by one', () => {
    expect(cleanText(Uint8Array.of(0x61, 0xff, 0xc3, 0xa4, 0xc3, 0x0a, 0xe2, 0x82))).toBe(
      'a\\xffä\\xc3\\x0a\\xe2\\x82',
    );
    // Overlong, and a surrogate written as UTF-8.
    expect(cleanText(Uint8Array.of(0xc0, 0xaf, 0xed, 0xa0, 0x80))).toBe('\\xc0\\xaf\\xed\\xa0\\x80');
  });
});
