import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { asidePath, partialPath, randomPartialPath } from '../../../../src/remotes/sftp/partial-name.ts';

const path = (text: string) => partialPath(Buffer.from(text)).toString();

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

test('is beside its target, hidden, with its name in it', () => {
  expect(path('/home/u/big.iso')).toBe('/home/u/.big.iso.mtpart');
  expect(path('/x')).toBe('/.x.mtpart');
  expect(path('bare')).toBe('.bare.mtpart');
  expect(path('/d/.hidden')).toBe('/d/..hidden.mtpart');
  expect(path('/d/a b\n"c"')).toBe('/d/.a b\n"c".mtpart');
});

test('bytes that are not UTF-8 stay what they are', () => {
  const name = Buffer.from([0x61, 0xff, 0xfe]);
  const whole = partialPath(Buffer.concat([Buffer.from('/d/'), name]));
  expect(whole.equals(Buffer.concat([Buffer.from('/d/.'), name, Buffer.from('.mtpart')]))).toBe(true);
});

test('a name that fits 255 bytes is kept whole, one byte more is cut and hashed', () => {
  const fits = 'n'.repeat(255 - 8);
  expect(path(`/d/${fits}`)).toBe(`/d/.${fits}.mtpart`);
  const long = `${fits}n`;
  const digest = createHash('sha256').update(long).digest('hex').slice(0, 16);
  expect(path(`/d/${long}`)).toBe(`/d/.${'n'.repeat(255 - 1 - 16 - 7)}${digest}.mtpart`);
});

test('is the same from another machine, and another one for another name', () => {
  const long = (end: string) => path(`/d/${'n'.repeat(250)}${end}`);
  expect(long('a')).toBe(long('a'));
  expect(long('a')).not.toBe(long('b'));
});

describe.each([
  ['two bytes', 'ä'],
  ['three bytes', '漢'],
  ['four bytes', '😀'],
])('characters of %s', (_, character) => {
  test.each([0, 1, 2, 3])('are never cut, %i bytes in', (shift) => {
    const name = Buffer.from('x'.repeat(shift) + character.repeat(100)).subarray(0, 255);
    const whole = Buffer.from(name.toString().replace(/\uFFFD+$/, ''));
    for (const made of [partialPath(whole), randomPartialPath(whole)]) {
      expect(made.length).toBeLessThanOrEqual(255);
      expect(made.length).toBeGreaterThan(whole.length > 247 ? 240 : whole.length);
      expect(isUtf8(made)).toBe(true);
      expect(made.toString()).toMatch(/^\..*\.mtpart$/s);
    }
  });
});

test('a name of continuation bytes alone is no reason to loop or to throw', () => {
  const made = partialPath(Buffer.alloc(255, 0x80));
  expect(made.length).toBeLessThanOrEqual(255);
  expect(made.toString('latin1')).toMatch(/^\.[\x80]*[0-9a-f]{16}\.mtpart$/);
});

test('a random name is beside the target, and not to be foreseen', () => {
  const target = Buffer.from('/home/u/f');
  const made = Array.from({ length: 50 }, () => randomPartialPath(target).toString());
  for (const one of made) expect(one).toMatch(/^\/home\/u\/\.f\.[0-9a-f]{16}\.mtpart$/);
  expect(new Set(made).size).toBe(50);
});

test('the old target waits beside the new one, under a name that the next attempt knows too', () => {
  expect(asidePath(Buffer.from('/home/u/f'), '0123456789abcdef').toString()).toBe('/home/u/.f.0123456789abcdef.mtold');
  expect(nameOf(asidePath(Buffer.alloc(255, 'n'), '0123456789abcdef')).length).toBe(255);
});
