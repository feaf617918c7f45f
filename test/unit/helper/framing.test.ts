import { describe, expect, test } from 'vitest';
import {
  checkGreeting,
  encodeAnswer,
  encodeGreeting,
  encodeRequest,
  parseAnswer,
  parseRequest,
  STOP,
} from '../../../src/helper/framing.ts';
import { LineSplitter } from '../../../src/util/line-splitter.ts';

const sha1 = 'da39a3ee5e6b4b0d3255bfef95601890afd80709';

test('a greeting is recognised, and nothing else', () => {
  expect(() => checkGreeting(encodeGreeting('1.2.3'))).not.toThrow();
  const others = ['', 'hello', '[]', 'null', '{}', '{"program":"mt-copy-tools-cs","protocol":2}', '{"protocol":1}'];
  for (const other of others) expect(() => checkGreeting(other)).toThrow(expect.objectContaining({ code: 'protocol' }));
});

describe('requests', () => {
  test.each(['/plain', '-leading', '/a\nb', '/"\'$(x)`\\', Buffer.from([0x2f, 0xff, 0xfe, 0x80])])(
    'carry the path %j as it is',
    (text) => {
      const path = Buffer.from(text);
      const request = { path, algorithm: 'sha512', offset: 2 ** 52, length: 3 } as const;
      const line = encodeRequest(request);
      expect(line).toMatch(/^[ -~]+\n$/);
      expect(parseRequest(line)).toEqual(request);
    },
  );

  test('and the end are told apart', () => {
    expect(parseRequest(STOP)).toBe('stop');
  });

  const sound = { algorithm: 'sha256', offset: 0, length: 1, path: 'Lw==' };
  test.each([
    { offset: -1 },
    { offset: 0.5 },
    { offset: '0' },
    { length: 2 ** 53 },
    { offset: 2 ** 52, length: 2 ** 53 - 1 },
    { algorithm: 'crc32' },
    { algorithm: 'SHA256' },
    { algorithm: 'constructor' },
    { path: '' },
    { path: 'not base64!' },
    { path: 5 },
    { path: undefined },
  ])('with %j are malformed', (wrong) => {
    expect(() => parseRequest(JSON.stringify(sound))).not.toThrow();
    expect(() => parseRequest(JSON.stringify({ ...sound, ...wrong }))).toThrow('malformed');
  });
});

describe('answers', () => {
  const request = { algorithm: 'sha1', length: 10 } as const;

  test('say what was hashed, or why not', () => {
    const result = { digest: sha1, bytes: 10 };
    const failure = { error: 'ENOENT', message: 'no such file' };
    expect(parseAnswer(encodeAnswer(result), request)).toEqual(result);
    expect(parseAnswer(encodeAnswer(failure), request)).toEqual(failure);
  });

  test.each([
    { digest: sha1.slice(1) },
    { digest: sha1.toUpperCase() },
    { digest: `${sha1.slice(1)}\n` },
    { digest: `${sha1}${sha1.slice(0, 24)}` },
    { digest: undefined },
    { bytes: 11 },
    { bytes: -1 },
    { bytes: undefined },
    { digest: undefined, error: 'ENOENT' },
  ])('with %j are malformed', (wrong) => {
    expect(() => parseAnswer(JSON.stringify({ digest: sha1, bytes: 9, ...wrong }), request)).toThrow('malformed');
  });
});

describe('lines', () => {
  const texts = (lines: (Buffer | undefined)[]) => lines.map((line) => line?.toString());

  test('are the same however the bytes come', () => {
    const bytes = Buffer.from('one\n\ntwo\nthree\nrest');
    for (const length of [1, 2, 3, 5, 100]) {
      const lines = new LineSplitter(10);
      const found: (string | undefined)[] = [];
      for (let i = 0; i < bytes.length; i += length) {
        const chunk = Buffer.from(bytes.subarray(i, i + length));
        found.push(...texts(lines.push(chunk)));
        chunk.fill(0);
      }
      expect(found).toEqual(['one', '', 'two', 'three']);
    }
  });

  test('that are too long are told, and cost nothing', () => {
    const lines = new LineSplitter(4);
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 1000; i++) expect(lines.push(Buffer.alloc(100_000, 'x'))).toEqual([]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000_000);
    expect(texts(lines.push(Buffer.from('x\nfour\nfives\n')))).toEqual([undefined, 'four', undefined]);
  });
});
