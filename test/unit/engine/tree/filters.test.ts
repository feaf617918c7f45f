import { describe, expect, it } from 'vitest';
import { type FilterRule, Filters } from '../../../../src/engine/tree/filters.ts';

/** `-x`: exclude x; `+x`: include x. */
function filters(...rules: string[]): Filters {
  return new Filters(
    rules.map((rule): FilterRule => ({ action: rule[0] === '+' ? 'include' : 'exclude', pattern: rule.slice(1) })),
  );
}

/** A path with a slash at the end is that of a directory. */
function allows(chosen: Filters, path: string): boolean {
  return path.endsWith('/') ? chosen.allows(path.slice(0, -1), true) : chosen.allows(path, false);
}

describe('filters', () => {
  it('allow everything without rules', () => {
    expect(new Filters([]).isEmpty).toBe(true);
    expect(new Filters([]).allows('a/b', false)).toBe(true);
    expect(filters('-a').isEmpty).toBe(false);
  });

  it('let the first rule that fits decide', () => {
    const chosen = filters('+*.txt', '-a*', '+a.log', '-b');
    expect(['a.txt', 'c', 'd/b.txt'].filter((path) => !allows(chosen, path))).toEqual([]);
    expect(['a', 'a.log', 'a/', 'b', 'd/b'].filter((path) => allows(chosen, path))).toEqual([]);
  });

  it('always allow the root of the source', () => {
    expect(filters('-*', '-**', '-/').allows('', true)).toBe(true);
  });

  it.each([
    ['a', 'a a/ x/a x/y/a/', 'ab xa a/b'],
    ['a/', 'a/ x/a/', 'a x/a a/b'],
    ['/a', 'a a/', 'x/a a/b'],
    ['/a/b', 'a/b', 'x/a/b a b'],
    ['a/b', 'a/b x/a/b x/y/a/b/', 'xa/b a/bx a/x/b b'],
    ['*.o', 'a.o .o x/a.o', 'a.ox'],
    ['/*.o', 'a.o', 'x/a.o'],
    ['/*', 'a a/ .a', 'a/b'],
    ['a*/b?', 'a/bc ab/bc x/ab/bc', 'a/b bb/bc a/x/bc'],
    ['*/*/c', 'a/b/c x/a/b/c', 'a/c c'],
    ['**', 'a a/ a/b', ''],
    ['**/a', 'a x/a x/y/a', 'xa a/b'],
    ['**a', 'a xa x/a x/ya', 'a/b'],
    ['a/**', 'a/b a/b/c x/a/b', 'a a/ xa/b'],
    ['a/**/b', 'a/x/b a/x/y/b z/a/x/b', 'a/b'],
    ['/a/**', 'a/b a/b/c', 'x/a/b a'],
    ['a/***', 'a/ a/b a/b/c x/a/', 'a xa/'],
    ['/a/***', 'a/ a/b', 'x/a/b a'],
    ['**/a/***', 'a/ x/a/ x/a/b', 'xa/'],
    ['a**/', 'a/ ab/ a/b/ x/a/b/', 'a a/b ba/'],
    ['{a,b}', '{a,b}', 'a b'],
    ['a\\b', 'a\\b x/a\\b', 'ab'],
    ['a\\b*', 'ab abc', 'a\\b a\\bc'],
    ['/', '', 'a a/ /'],
    ['A', 'A', 'a'],
    ['\udcff?', '\udcffa x/\udcff\udcfe', '\udcff'],
  ])('a pattern %s fits %j and not %j', (pattern, fitting, others) => {
    const chosen = filters(`-${pattern}`);
    const split = (texts: string) => texts.split(' ').filter(Boolean);
    expect(split(fitting).filter((path) => allows(chosen, path))).toEqual([]);
    expect(split(others).filter((path) => !allows(chosen, path))).toEqual([]);
  });

  it('refuse an empty pattern', () => {
    expect(() => filters('+a', '-')).toThrow(
      expect.objectContaining({ code: 'usage', message: 'A pattern of --exclude is empty.' }),
    );
  });
});
