import { describe, expect, test } from 'vitest';
import { asidePath, newPartialPath, partialNameFits } from '../../../src/util/partial-name.ts';

function nameOf(whole: Buffer): Buffer {
  return whole.subarray(whole.lastIndexOf('/') + 1);
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

test.each([
  ['/home/u/big.iso', /^\/home\/u\/\.big\.iso\.[0-9a-f]{16}\.mtpart$/],
  ['/x', /^\/\.x\.[0-9a-f]{16}\.mtpart$/],
  ['bare', /^\.bare\.[0-9a-f]{16}\.mtpart$/],
  ['/d/.hidden', /^\/d\/\.\.hidden\.[0-9a-f]{16}\.mtpart$/],
  ['/d/a b\n"c"', /^\/d\/\.a b\n"c"\.[0-9a-f]{16}\.mtpart$/],
])('the partial file of %j is beside it, hidden, with its name in it', (path, pattern) => {
  expect(newPartialPath(Buffer.from(path)).toString()).toMatch(pattern);
});

test('no name is given twice', () => {
  const target = Buffer.from('/home/u/f');
  expect(new Set(Array.from({ length: 50 }, () => newPartialPath(target).toString())).size).toBe(50);
});

test('bytes that are not UTF-8 stay what they are', () => {
  const name = Buffer.from([0x61, 0xff, 0xfe]);
  const whole = newPartialPath(Buffer.concat([Buffer.from('/d/'), name]));
  expect(whole.subarray(0, 7).equals(Buffer.concat([Buffer.from('/d/.'), name]))).toBe(true);
});

test.each([100, 230, 231, 232, 250, 255])(
  'a target name of %i bytes has partial files that are recognised',
  (length) => {
    const target = Buffer.from(`/d/${'n'.repeat(length)}`);
    const made = nameOf(newPartialPath(target));
    expect(made.length).toBe(Math.min(255, length + 25));
    expect(partialNameFits(made, nameOf(target))).toBe(length <= 226 ? 'certain' : 'possible');
  },
);

test('names that begin alike are told apart, as far as they fit', () => {
  const made = nameOf(newPartialPath(Buffer.from('/d/file')));
  expect(partialNameFits(made, Buffer.from('file'))).toBe('certain');
  for (const other of ['fil', 'file2', 'ile', 'file.', ''])
    expect(partialNameFits(made, Buffer.from(other))).toBeUndefined();
  const long = 'n'.repeat(250);
  expect(partialNameFits(nameOf(newPartialPath(Buffer.from(`/d/${long}a`))), Buffer.from(`${long}b`))).toBe('possible');
});

test.each([
  'f.0123456789abcdef.mtpart',
  '.f.0123456789abcde.mtpart',
  '.f.0123456789ABCDEF.mtpart',
  '.f.0123456789abcdef.mtpart~',
  '.f.mtpart',
  '.f',
  '',
])('%j is no partial file of f', (name) => {
  expect(partialNameFits(Buffer.from(name), Buffer.from('f'))).toBeUndefined();
});

describe.each([
  ['two bytes', 'ä'],
  ['three bytes', '漢'],
  ['four bytes', '😀'],
])('characters of %s', (_, character) => {
  test.each([0, 1, 2, 3])('are never cut, %i bytes in', (shift) => {
    const name = Buffer.from('x'.repeat(shift) + character.repeat(100)).subarray(0, 255);
    const whole = Buffer.from(name.toString().replace(/\uFFFD+$/, ''));
    const made = newPartialPath(whole);
    expect(made.length).toBeLessThanOrEqual(255);
    expect(made.length).toBeGreaterThan(Math.min(250, whole.length));
    expect(isUtf8(made)).toBe(true);
    expect(partialNameFits(made, whole)).toBe(whole.length <= 226 ? 'certain' : 'possible');
  });
});

test('a name of continuation bytes alone is no reason to loop or to throw', () => {
  const made = newPartialPath(Buffer.alloc(255, 0x80));
  expect(made.length).toBeLessThanOrEqual(255);
  expect(made.toString('latin1')).toMatch(/^\.[\x80]*\.[0-9a-f]{16}\.mtpart$/);
});

test('the old target waits beside the new one, under a name that the next attempt knows too', () => {
  expect(asidePath(Buffer.from('/home/u/f'), '0123456789abcdef').toString()).toBe('/home/u/.f.0123456789abcdef.mtold');
  expect(nameOf(asidePath(Buffer.alloc(255, 'n'), '0123456789abcdef')).length).toBe(255);
});
