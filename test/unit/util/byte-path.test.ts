import { expect, test } from 'vitest';
import {
  baseName,
  directoryName,
  endsWithSlash,
  isAbsolute,
  joinPath,
  withoutTrailingSlashes,
} from '../../../src/util/byte-path.ts';

const b = (text: string) => Buffer.from(text, 'latin1');
const t = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

test.each([
  ['/a/b', '/a', 'b'],
  ['/a/b/', '/a', 'b'],
  ['/a//', '/', 'a'],
  ['/a', '/', 'a'],
  ['/', '/', ''],
  ['a', '', 'a'],
  ['a/b', 'a', 'b'],
  ['', '', ''],
  ['/\xff/\xfe', '/\xff', '\xfe'],
])('%s is in %s and called %s', (path, directory, name) => {
  expect(t(directoryName(b(path)))).toBe(directory);
  expect(t(baseName(b(path)))).toBe(name);
});

test.each([
  ['/a', 'b', '/a/b'],
  ['/a/', 'b', '/a/b'],
  ['/', 'b', '/b'],
  ['', 'b', 'b'],
  ['/a', '/b', '/b'],
  ['a', 'b/c', 'a/b/c'],
])('%s and %s make %s', (directory, name, whole) => {
  expect(t(joinPath(b(directory), b(name)))).toBe(whole);
});

test('slashes at the beginning and at the end', () => {
  expect([isAbsolute(b('/a')), isAbsolute(b('a')), isAbsolute(b(''))]).toEqual([true, false, false]);
  expect([endsWithSlash(b('a/')), endsWithSlash(b('a')), endsWithSlash(b(''))]).toEqual([true, false, false]);
  expect(['/', '///', 'a//', '/a/', ''].map((path) => t(withoutTrailingSlashes(b(path))))).toEqual([
    '/',
    '/',
    'a',
    '/a',
    '',
  ]);
});

test('what is made shares no memory with what it was made from', () => {
  const path = b('/a/');
  const made = [withoutTrailingSlashes(path), joinPath(b(''), path)];
  path.fill(0);
  expect(made.map(t)).toEqual(['/a', '/a/']);
});
