import { describe, expect, it } from 'vitest';
import { parseFilesFrom } from '../../../../src/engine/tree/files-from.ts';

const parse = (text: string) => parseFilesFrom(Buffer.from(text, 'latin1')).map((path) => path.toString('latin1'));

describe('a list of files', () => {
  it.each([
    ['', []],
    ['a', ['a']],
    ['b\na\n', ['b', 'a']],
    ['a\r\nb\r\n', ['a', 'b']],
    ['a\r', ['a\r']],
    ['a\rb\n', ['a\rb']],
    ['\n\r\na\n\n', ['a']],
    ['a\nb\na\n./a\n/a\na/\n', ['a', 'b']],
    ['/etc/x\n//y\n', ['etc/x', 'y']],
    ['./a/./b//c/.\n', ['a/b/c']],
    ['.\n/\n./\n//\n', []],
    ['d/\n', ['d']],
    ['...\n..a\na..\n.a/.b\n', ['...', '..a', 'a..', '.a/.b']],
    [' a \n#b\n;c\n', [' a ', '#b', ';c']],
    ['\xff\xfe\n\xff\n', ['\xff\xfe', '\xff']],
    ['a\0b\0', ['a', 'b']],
    ['a\nb\0c\r\n\0', ['a\nb', 'c\r\n']],
    ['a\0\0b', ['a', 'b']],
    ['a\n\0./b/', ['a\n', 'b']],
  ])('%j is %j', (text, paths) => {
    expect(parse(text)).toEqual(paths);
  });

  it.each([
    ['..', "Line 1 of the list has a component '..': ..."],
    ['a\n\nb/../c\n', "Line 3 of the list has a component '..': b/../c."],
    ['a\r\n/..\r\n', "Line 2 of the list has a component '..': /..."],
    ['a\0../\x1b\0', "Entry 2 of the list has a component '..': ../\\x1b."],
    ['a\nb\n../\n', "Line 3 of the list has a component '..': ../."],
    ['a\nb/..', "Line 2 of the list has a component '..': b/..."],
  ])('%j is a usage error', (text, message) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'usage', exitCode: 2, message }));
  });

  it('does not copy what is in it', () => {
    const list = Buffer.from('xa\nb\n').subarray(1);
    expect(parseFilesFrom(list).every((path) => path.buffer === list.buffer)).toBe(true);
  });
});
