import fc from 'fast-check';

/**
 * Text of any code points but halves of surrogate pairs, as with `unit: 'binary'` of fast-check. That makes a list of
 * all of them first, which takes more than a second.
 */
export function anyText(): fc.Arbitrary<string> {
  const ascii = fc.integer({ min: 0, max: 0x7f });
  const before = fc.integer({ min: 0x80, max: 0xd7ff });
  const after = fc.integer({ min: 0xe000, max: 0x10ffff });
  return fc.array(fc.oneof(ascii, before, after)).map((points) => String.fromCodePoint(...points));
}
