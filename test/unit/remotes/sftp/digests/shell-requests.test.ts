import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { escapedPath } from '../../../../../src/remotes/sftp/digests/escaped-path.ts';
import {
  blocksOf,
  encodeRequest,
  encodeWholeFiles,
  parseAnswer,
  parseGreeting,
  parseWholeFiles,
} from '../../../../../src/remotes/sftp/digests/shell-requests.ts';

const digest = 'ab'.repeat(32);
const nothing = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const cell = { offset: 8 << 20, length: 4 << 20 };

describe('requests', () => {
  test('a whole cell is one run of blocks', () => {
    expect(blocksOf(cell)).toEqual([{ size: 1 << 20, skip: 8, count: 4 }]);
    expect(blocksOf({ offset: 3 << 16, length: 1 << 16 })).toEqual([{ size: 1 << 16, skip: 3, count: 1 }]);
  });

  test('runs of blocks are exactly the range, each at a multiple of its block', () => {
    const range = fc.record({
      offset: fc.oneof(
        fc.nat({ max: 1 << 24 }),
        fc.nat({ max: 1 << 20 }).map((n) => n * 2 ** 32),
      ),
      length: fc.integer({ min: 1, max: 1 << 26 }),
    });
    fc.assert(
      fc.property(range, ({ offset, length }) => {
        let at = offset;
        for (const { size, skip, count } of blocksOf({ offset, length })) {
          expect(size * skip).toBe(at);
          expect(size).toBeLessThanOrEqual(1 << 20);
          at += size * count;
        }
        expect(at).toBe(offset + length);
      }),
    );
  });

  test('no character of a path remains that a shell could interpret', () => {
    expect(escapedPath(Buffer.from("/a'b $(c)\n\\d-e.f_G9\u00e4"))).toBe(
      '/a\\0047b\\0040\\0044\\0050c\\0051\\0012\\0134d-e.f_G9\\0303\\0244',
    );
  });

  test('a request is one line, preceded by another one where the file changes', () => {
    expect(encodeRequest(cell, 'sha1')).toBe('r sha1 8388608 4194304 1048576 8 4\n');
    expect(encodeRequest({ offset: 65536, length: 65537 }, 'md5', Buffer.from('/a b'))).toBe(
      'f /a\\0040b\nr md5 65536 65537 65536 1 1 1 131072 1\n',
    );
  });
});

describe('whole files', () => {
  const other = 'cd'.repeat(32);
  const parse = (line: string) => parseWholeFiles(line, [10, 20], 'sha256');
  const bytes = (hex: string) => Buffer.from(hex, 'hex');

  test('one line for all files', () => {
    expect(encodeWholeFiles([Buffer.from('/a b'), Buffer.from('/c')], 'md5')).toBe('w md5 /a\\0040b /c\n');
  });

  test.each([`w 10 20 30 - ${digest} ${other}`, `w 10 20 - ${digest} ${other}`])('as they should be: %s', (line) => {
    expect(parse(line)).toEqual([bytes(digest), bytes(other)]);
  });

  test('there is no digest for a file of another length, nor where the digest is that of no bytes', () => {
    expect(parse(`w 10 21 31 - ${digest} ${other}`)).toEqual([bytes(digest), undefined]);
    expect(parse(`w 9 20 29 - ${digest} ${other}`)).toEqual([undefined, bytes(other)]);
    expect(parse(`w 10 20 30 - ${digest} ${nothing}`)).toEqual([bytes(digest), undefined]);
  });

  test.each([
    'w -',
    `w 10 20 30 - ${digest}`,
    `w 10 20 30 - ${digest} ${other} ${other}`,
    `w 10 - ${digest} ${other}`,
    `w ${digest} ${other}`,
    `x 10 20 30 - ${digest} ${other}`,
    'w 10 20 30 - openssl: error',
    '- it is no file that can be read',
    '',
  ])('of another number nothing is certain: %s', (line) => {
    expect(parse(line)).toEqual([undefined, undefined]);
  });
});

describe('greetings', () => {
  test('the algorithms with the right digest of no bytes', () => {
    expect(parseGreeting(`perl sha256=${nothing} sha1=${'0'.repeat(40)} md5=d41d8cd98f00b204e9800998ecf8427e`)).toEqual(
      ['sha256', 'md5'],
    );
  });

  test.each(['', 'none', 'python3', `sha256=${nothing}`, `dd sha256=${nothing}0`])('nothing in %j', (line) => {
    expect(parseGreeting(line)).toEqual([]);
  });
});

describe('answers', () => {
  const records = (whole: number, partial = 0): string =>
    `${whole}+${partial} records in ${whole}+${partial} records out 9 bytes (9 B) copied, 0.1 s, 9 kB/s`;

  test.each([
    `+ ${cell.length} ${digest}`,
    `dd ${records(4)} ${digest} *stdin`,
    `dd ${records(4)} ${digest} -`,
    `dd 4+0 records in 4+0 records out ${digest}`,
  ])('a digest: %s', (line) => {
    expect(parseAnswer(line, cell, 'sha256')).toEqual(Buffer.from(digest, 'hex'));
  });

  test('of a range in several runs', () => {
    const range = { offset: 65536, length: 65537 };
    expect(parseAnswer(`dd ${records(1)} ${records(1)} ${digest} -`, range, 'sha256')).toBeDefined();
    expect(parseAnswer(`dd ${records(1)} ${records(0)} ${digest} -`, range, 'sha256')).toBeUndefined();
  });

  test.each([
    `+ ${cell.length - 1} ${digest}`,
    `+ 0 ${nothing}`,
    `dd ${records(3, 1)} ${digest} -`,
    `dd dd: 'standard input': cannot skip to specified offset ${records(0)} ${nothing} -`,
  ])('not all bytes are there: %s', (line) => {
    expect(parseAnswer(line, cell, 'sha256')).toBeUndefined();
  });

  test.each(['- No such file', '- ', 'dd ', 'dd sh: cannot open: No such file'])('it cannot be read: %s', (line) => {
    expect(() => parseAnswer(line, cell, 'sha256')).toThrow(expect.objectContaining({ code: 'unsupported' }));
  });

  test('the text of the server is cleaned and cut', () => {
    const read = () => parseAnswer(`- \u001b[31m${'x'.repeat(5000)}`, cell, 'sha256');
    expect(read).toThrow(/cannot read the file: \\x1b\[31mx{1,200}\.$/);
  });

  test.each([
    '',
    'hello',
    `+ ${cell.length} ${digest.slice(2)}`,
    `+ ${cell.length} ${digest}00`,
    `+ ${cell.length} ${digest.toUpperCase()}`,
    `+ ${cell.length} ${digest} `,
    `+ ${cell.length + 1} ${digest}`,
    `+ 99999999999999999 ${digest}`,
    `+ -1 ${digest}`,
    `+ ${cell.length} ${nothing}`,
    `dd ${records(4)} ${nothing} -`,
    `dd ${records(4)}`,
    `dd ${records(4)} ${digest} ${digest}`,
    `dd ${records(4)} ${records(4)} ${digest}`,
    `dd ${records(5)} ${digest}`,
    `${digest}`,
  ])('that is none: %s', (line) => {
    expect(() => parseAnswer(line, cell, 'sha256')).toThrow(expect.objectContaining({ code: 'protocol' }));
  });
});
