import { expect, test } from 'vitest';
import { readableText } from '../../../../../src/remotes/sftp/codec/readable-text.ts';

test.each([
  ['plain ünïcode 文', 'plain ünïcode 文'],
  ['\r\n Welcome\r\n', 'Welcome'],
  ['a\x1b[31mb\x07\x7f\x85', 'a\\x1b[31mb\\x07\\x7f\\u{85}'],
  ['a\u202eb\u2066\u200bc\u2028d\ufeff', 'a\\u{202e}b\\u{2066}\\u{200b}c\\u{2028}d'],
])('%j', (text, shown) => expect(readableText(Buffer.from(text))).toBe(shown));

test('bytes that are not UTF-8 are replaced', () => {
  expect(readableText(Buffer.from([0x61, 0xff, 0xed, 0xa0, 0x80]))).toMatch(/^a\ufffd+$/);
});

test('is cut', () => {
  expect(readableText(Buffer.from('x'.repeat(200)))).toHaveLength(200);
  expect(readableText(Buffer.from('x'.repeat(201)))).toBe(`${'x'.repeat(200)}…`);
  expect(readableText(Buffer.alloc(1e6, '\x1b'))).toHaveLength(201);
});
