import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { Wildcard } from '../../../../src/engine/tree/wildcard.ts';

const matches = (pattern: string, text: string) => new Wildcard(pattern, 'never matches').matches(text);

describe('a wildcard', () => {
  it.each([
    ['abc', 'abc', 'abcd ab xabc'],
    ['*', 'a - .a', 'a/b /'],
    ['**', 'a a/b /', ''],
    ['a*c', 'ac abc abbc acc', 'a/c abcd'],
    ['a**c', 'ac abc a/c a/b/c', 'ab a/cd'],
    ['a/**/c', 'a/b/c a//c a/b/b/c', 'a/c'],
    ['*a*b*', 'ab xaxbx aab', 'ba a/b'],
    ['**x*y', 'xy a/xay x/xy', 'x/y xya'],
    ['?', 'a é 😀 \udcff', 'ab / éé'],
    ['*?', 'a 😀', '/'],
    ['[abc]', 'a b c', 'd ab /'],
    ['[a-c]x', 'ax bx cx', 'dx x'],
    ['[!a-c]', 'd - é 😀', 'a c /'],
    ['[^a]', 'b ^', 'a /'],
    ['[]a]', '] a', 'b'],
    ['[!]a]', 'b', '] a'],
    ['[]-a]', '] ^ _ ` a', 'b -'],
    ['[a-]', 'a -', 'b'],
    ['[-a]', 'a -', 'b'],
    ['[a-c-e]', 'a b c - e', 'd'],
    ['[\\]x]', '] x', '\\'],
    ['[\\a-c]', 'a b c', '\\ d'],
    ['[[:digit:]x]', '0 9 x', 'a : ['],
    ['[![:space:]]', 'a é', '/'],
    ['[[:digit:]-z]', '5 - z', 'a'],
    ['[[:digit]', '[ : d', 'x 5'],
    ['[[:nonsense:]a]', '', 'a n'],
    ['[é-ü]', 'é ö ü', 'a Ã'],
    ['*[!😀]', 'a ab', '😀'],
    ['[a/]', 'a', '/'],
    ['\\*', '*', 'a \\*'],
    ['\\a', 'a', '\\a'],
    ['a\\', '', 'a a\\'],
    ['[a', '', '[a a'],
    ['[]', '', '[] ]'],
    ['{a,b}', '{a,b}', 'a b'],
    ['+(a)', '+(a)', 'a'],
    ['a.b', 'a.b', 'axb'],
  ])('%s matches %j and not %j', (pattern, fitting, others) => {
    expect(fitting.split(' ').filter((text) => text !== '' && !matches(pattern, text))).toEqual([]);
    expect(others.split(' ').filter((text) => text !== '' && matches(pattern, text))).toEqual([]);
  });

  it.each([
    ['alnum', 'a|Z|5', '-|é'],
    ['alpha', 'a|Z', '5'],
    ['blank', ' |\t', '\n|a'],
    ['cntrl', '\x01|\x7f', 'a'],
    ['graph', '!|~|a', ' '],
    ['lower', 'a|z', 'A'],
    ['print', ' |~', '\t'],
    ['punct', '!|@|[|`|~|-', 'a|5| '],
    ['space', ' |\t|\n|\v|\f|\r', 'a'],
    ['upper', 'A|Z', 'a'],
    ['xdigit', '0|9|a|F', 'g'],
  ])('knows the class %s', (name, members, others) => {
    for (const text of members.split('|')) expect(matches(`[[:${name}:]]`, text)).toBe(true);
    for (const text of others.split('|')) expect(matches(`[[:${name}:]]`, text)).toBe(false);
  });

  it('takes what is unfinished as it is, where it is told to', () => {
    const ordinary = (pattern: string, text: string) => new Wildcard(pattern, 'is ordinary').matches(text);
    expect(ordinary('[a*', '[abc')).toBe(true);
    expect(ordinary('a\\', 'a\\')).toBe(true);
    expect(ordinary('[', '[')).toBe(true);
  });

  it('begins at an offset', () => {
    expect(new Wildcard('b*', 'is ordinary').matches('a/bc', 2)).toBe(true);
    expect(new Wildcard('b*', 'is ordinary').matches('a/bc', 1)).toBe(false);
  });

  it('tells what it is without wildcards', () => {
    expect(new Wildcard('a\\*\\\\😀', 'is ordinary').literal).toBe('a*\\😀');
    expect(new Wildcard('[a', 'is ordinary').literal).toBe('[a');
    expect(new Wildcard('[a', 'never matches').literal).toBeUndefined();
    expect(new Wildcard('a?', 'is ordinary').literal).toBeUndefined();
    expect(new Wildcard('', 'is ordinary').literal).toBe('');
  });

  it('tells what it begins with', () => {
    expect(new Wildcard('.*', 'is ordinary').beginsWith('.')).toBe(true);
    expect(new Wildcard('\\.*', 'is ordinary').beginsWith('.')).toBe(true);
    expect(new Wildcard('*.', 'is ordinary').beginsWith('.')).toBe(false);
    expect(new Wildcard('[.]x', 'is ordinary').beginsWith('.')).toBe(false);
  });
});

/** By its definition: every way to divide the text is tried. */
function naive(pattern: readonly string[], text: string): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return text === '';
  if (first === '*' || first === '**') {
    for (let taken = 0; taken <= text.length; taken++) {
      if (first === '*' && text.slice(0, taken).includes('/')) break;
      if (naive(rest, text.slice(taken))) return true;
    }
    return false;
  }
  if (text === '') return false;
  const fits = first === '?' ? text[0] !== '/' : first === '[!a]' ? !'a/'.includes(text[0]!) : text[0] === first;
  return fits && naive(rest, text.slice(1));
}

test('matches what the definition says', () => {
  const atoms = fc.array(fc.constantFrom('a', 'b', '/', '*', '**', '?', '[!a]'), { maxLength: 7 });
  const texts = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 9 });
  fc.assert(
    fc.property(atoms, texts, (pattern, text) => {
      // Stars in a row are one.
      const merged = pattern.flatMap((atom, i) => {
        if (!atom.startsWith('*')) return [atom];
        if (pattern[i - 1]?.startsWith('*')) return [];
        return [atom === '*' && !pattern[i + 1]?.startsWith('*') ? '*' : '**'];
      });
      expect(matches(pattern.join(''), text)).toBe(naive(merged, text));
    }),
    { numRuns: 3000 },
  );
});

test('many stars take no more time than the lengths multiplied', () => {
  const path = Array<string>(16).fill('a'.repeat(255)).join('/');
  const started = performance.now();
  for (const pattern of ['*a*a*a*a*a*a*a*a*b', '**a*a*a*a*a*a*a*a*b', '**a**a**a**a**a**a**b']) {
    expect(matches(pattern, path)).toBe(false);
  }
  // It takes about 2 ms; a regular expression would take hours.
  expect(performance.now() - started).toBeLessThan(1000);
});
