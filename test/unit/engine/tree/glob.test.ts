import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expandGlob, type GlobFiles, hasGlob } from '../../../../src/engine/tree/glob.ts';
import { CopyError } from '../../../../src/errors.ts';
import { bytesFromText, textFromBytes } from '../../../../src/util/bytes-text.ts';

/** A tree in memory that counts what it is asked. A slash at the end makes a directory. */
class Tree implements GlobFiles {
  readonly listed: string[] = [];
  readonly lookedAt: string[] = [];
  readonly #kinds = new Map<string, 'directory' | 'other'>([['.', 'directory']]);
  /** Directories that may not be listed, and paths that may not be looked at. */
  refused: readonly string[] = [];

  constructor(paths: string) {
    for (const path of paths.split(' ')) {
      path.split('/').forEach((name, i, names) => {
        const known = names.slice(0, i + 1).join('/');
        if (name !== '' || i === 0) this.#kinds.set(known, i < names.length - 1 ? 'directory' : 'other');
      });
    }
  }

  async lookAt(path: Uint8Array) {
    const text = textFromBytes(path);
    this.lookedAt.push(text);
    if (this.refused.includes(text)) throw new CopyError('source-unreadable', `${text} is refused.`);
    return text === '/' ? 'directory' : this.#kinds.get(normal(text));
  }

  *names(directory: Uint8Array) {
    const text = textFromBytes(directory);
    this.listed.push(text);
    if (this.refused.includes(text)) throw new CopyError('source-unreadable', `${text} is refused.`);
    const prefix = normal(text) === '.' ? '' : text === '/' ? '/' : `${normal(text)}/`;
    yield* ['.', '..'].map((name) => Buffer.from(name));
    for (const path of this.#kinds.keys()) {
      const name = path.slice(prefix.length);
      if (path.startsWith(prefix) && name !== '' && name !== '.' && !name.includes('/')) yield bytesFromText(name);
    }
  }
}

function normal(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/$/, '');
}

const FILES =
  'a b ab B .hid .dir/x a.iso b.iso c.jpg d.png é 😀 \udcff \udcff\udcfe [x] x1/f x1/g x2/f x2/.h x3 x4/ deep/x1/f deep/x2/y/f ' +
  '/root/f /root/g lit*eral/f lit';

async function expand(pattern: string, tree: Tree = new Tree(FILES), limit?: number): Promise<string[]> {
  return (await expandGlob(bytesFromText(pattern), tree, limit)).map(textFromBytes);
}

describe('hasGlob', () => {
  it.each(['*', 'a?', 'a/[b', '{', 'a\\\\*', '\\a*', '\n*', 'é*'])('%j has', (path) => {
    expect(hasGlob(Buffer.from(path))).toBe(true);
  });

  it.each(['', 'a', 'a/b', '\\*', 'a\\?b', '\\[x]', '\\{a,b}', 'a]', 'a}', '\\'])('%j has not', (path) => {
    expect(hasGlob(Buffer.from(path))).toBe(false);
  });

  it('takes a time that grows with the length', () => {
    expect(hasGlob(Buffer.alloc(1 << 20, '\\a'))).toBe(false);
  });
});

describe('a pattern of paths', () => {
  it.each([
    ['*.iso', 'a.iso b.iso'],
    ['?', 'B a b é 😀 \udcff'],
    ['??', 'ab x1 x2 x3 x4 \udcff\udcfe'],
    ['[ab]', 'a b'],
    ['[!a-z]', 'B é 😀 \udcff'],
    ['.*', '.dir .hid'],
    ['.*/*', '.dir/x'],
    ['[.]*', ''],
    ['x?', 'x1 x2 x3 x4'],
    ['x?/', 'x1/ x2/ x4/'],
    ['x*/*', 'x1/f x1/g x2/f'],
    ['x*/f', 'x1/f x2/f'],
    ['x*/f/', ''],
    ['x*/.*', 'x2/.h'],
    ['*/*/f', 'deep/x1/f'],
    ['deep/*/*/f', 'deep/x2/y/f'],
    ['deep/**/f', 'deep/x1/f'],
    ['x1/../x*/g', 'x1/../x1/g'],
    ['./x*/g', './x1/g'],
    ['x1//*', 'x1//f x1//g'],
    ['/root/*', '/root/f /root/g'],
    ['/r*/f', '/root/f'],
    ['/*', '/root'],
    ['*.{jpg,png}', 'c.jpg d.png'],
    ['{x1,x2}/*', 'x1/f x1/g x2/f'],
    ['{x1,x*}/f', 'x1/f x2/f'],
    ['{*,a*}.iso', 'a.iso b.iso'],
    ['{a,b}', 'a b'],
    ['{a,nothing}', 'a nothing'],
    ['{a,nothing*}', 'a'],
    ['{,a}', 'a'],
    ['{x{1,2},deep/x1}/f*', 'deep/x1/f x1/f x2/f'],
    ['[x]', '[x]'],
    ['\\[x]', '[x]'],
    ['[[]x*', '[x]'],
    ['[x', '[x'],
    ['lit\\*eral/*', 'lit*eral/f'],
    ['lit\\*eral', 'lit*eral'],
    ['lit*eral/?', 'lit*eral/f'],
    ['x1\\/*', 'x1/f x1/g'],
    ['A*', ''],
    ['nothing/*', ''],
    ['a/*', ''],
    ['a*/x', ''],
  ])('%s is %j', async (pattern, paths) => {
    expect(await expand(pattern)).toEqual(paths.split(' ').filter(Boolean));
  });

  it('is in the order of bytes', async () => {
    expect(await expand('{b,a,B,😀,\udcff,é}')).toEqual(['B', 'a', 'b', 'é', '😀', '\udcff']);
  });

  it('is no pattern if it exists as it is written', async () => {
    const tree = new Tree('a* ab a\\*');
    expect(await expand('a*', tree)).toEqual(['a*']);
    expect(await expand('a\\*', tree)).toEqual(['a\\*']);
    expect(tree.listed).toEqual([]);
  });

  it('lists each directory with wildcards once, and no other', async () => {
    const tree = new Tree(FILES);
    await expand('{deep/x1,x*,deep/x*}/*', tree);
    expect(tree.listed.sort()).toEqual(['.', 'deep', 'deep/x1', 'deep/x2', 'x1', 'x2', 'x4']);
  });

  it('asks for nothing that a listing has told', async () => {
    const tree = new Tree(FILES);
    await expand('*.iso', tree);
    expect(tree.lookedAt).toEqual(['*.iso']);
  });

  it('leaves out what a wildcard found and the server refuses', async () => {
    const tree = new Tree(FILES);
    tree.refused = ['x1', 'x2/f'];
    expect(await expand('x*/f', tree)).toEqual([]);
    tree.refused = ['x1', '[d]eep/*'];
    expect(await expand('x*/*', tree)).toEqual(['x2/f']);
    expect(await expand('[d]eep/*', tree)).toEqual(['deep/x1', 'deep/x2']);
  });

  it('fails if what is named is refused', async () => {
    const tree = new Tree(FILES);
    tree.refused = ['x1'];
    await expect(expand('x1/*', tree)).rejects.toThrow('x1 is refused.');
    await expect(expand('{x1,x*}/*', tree)).rejects.toThrow('x1 is refused.');
    tree.refused = ['.'];
    await expect(expand('*', tree)).rejects.toThrow('. is refused.');
  });

  it('fails if a connection is lost', async () => {
    const lost = new CopyError('connection-lost', 'It is lost.');
    const names = () => [Buffer.from('x1'), Buffer.from('x2')];
    const lookAt = async (path: Uint8Array) => {
      if (textFromBytes(path) === 'x1') throw lost;
      return path.includes(0x2a) ? undefined : ('directory' as const);
    };
    await expect(expandGlob(Buffer.from('x*/*'), { names, lookAt })).rejects.toBe(lost);
  });

  it('ignores names that lead out of their directory, and names that are repeated', async () => {
    const names = ['../evil', '/evil', '', '.', '..', 'good', 'go\0od', 'good', 'good'].map((name) =>
      Buffer.from(name),
    );
    const lookAt = async (path: Uint8Array) => (path.includes(0x2a) ? undefined : ('directory' as const));
    const files: GlobFiles = { names: () => names, lookAt };
    expect((await expandGlob(Buffer.from('*'), files)).map(String)).toEqual(['good']);
    expect((await expandGlob(Buffer.from('d/*/*'), files)).map(String)).toEqual(['d/good/good']);
    expect((await expandGlob(Buffer.from('.*'), files)).map(String)).toEqual([]);
  });

  it('is bounded', async () => {
    const tooMany = expect.objectContaining({ code: 'usage', scope: 'file', exitCode: 2 });
    expect(await expand('x?', new Tree(FILES), 4)).toHaveLength(4);
    await expect(expand('x?', new Tree(FILES), 3)).rejects.toEqual(tooMany);
    await expect(expand('{a,b,c}', new Tree(FILES), 2)).rejects.toEqual(tooMany);
    await expect(expand('{a,b}'.repeat(60))).rejects.toEqual(tooMany);
    await expect(expand('{a,?}', new Tree('a b'), 1)).rejects.toThrow('{a,?} matches more than 1 names.');
  });

  it('ends with the first names that are too many', async () => {
    let names = 0;
    const files: GlobFiles = {
      lookAt: async () => undefined,
      *names() {
        for (;;) yield Buffer.from(`${names++}`);
      },
    };
    await expect(expandGlob(Buffer.from('*'), files, 10)).rejects.toThrow('* matches more than 10 names.');
    expect(names).toBe(11);
  });
});
