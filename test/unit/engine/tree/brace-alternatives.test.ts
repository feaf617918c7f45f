import { describe, expect, it } from 'vitest';
import { braceAlternatives } from '../../../../src/engine/tree/brace-alternatives.ts';

/** What bash prints for the same words. */
describe('braces', () => {
  it.each([
    ['a', 'a'],
    ['x{a,b}y', 'xay xby'],
    ['x{a,b{c,d}}', 'xa xbc xbd'],
    ['{a,b}{c,d}', 'ac ad bc bd'],
    ['a{b{c,d}e}f', 'a{bce}f a{bde}f'],
    ['{a}', '{a}'],
    ['{}', '{}'],
    ['{a,', '{a,'],
    ['a}', 'a}'],
    ['{{a,b}', '{a {b'],
    ['{{a,b}}', '{a} {b}'],
    ['{a,b}}', 'a} b}'],
    ['{a,{b,c}', '{a,b {a,c'],
    ['{{a},b}', '{a} b'],
    ['{,a}x', 'x ax'],
    ['\\{a,b}', '\\{a,b}'],
    ['{a\\,b,c}', 'a\\,b c'],
    ['{a,b\\}}', 'a b\\}'],
    ['{a/b,c}/*', 'a/b/* c/*'],
    ['a,b', 'a,b'],
  ])('%s is %s', (text, alternatives) => {
    expect([...braceAlternatives(text)]).toEqual(alternatives.split(' '));
  });

  it('are expanded one at a time', () => {
    expect(braceAlternatives('{a,b}'.repeat(100)).next().value).toBe('a'.repeat(100));
  });
});
