import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  headerLine,
  type JournalRecord,
  MAX_HEADER_LENGTH,
  parseHeader,
  parseRecord,
  recordLine,
} from '../../../../src/engine/resume/journal-records.ts';
import { textFromBytes } from '../../../../src/util/bytes-text.ts';
import { digestA, sampleHeader } from './sample.ts';

const seed = headerLine(sampleHeader()).seed;

/** A line as anybody could write it who knows how the checksum is made. */
function signed(value: unknown, above = seed): Buffer {
  const json = typeof value === 'string' ? value : JSON.stringify(value);
  const hash = createHash('sha256')
    .update(above + json)
    .digest('hex');
  return Buffer.from(`${hash.slice(0, 16)} ${json}`);
}

function bytesOf(line: string): Buffer {
  expect(line.endsWith('\n')).toBe(true);
  return Buffer.from(line.slice(0, -1));
}

test('the first line, byte for byte', () => {
  expect(headerLine(sampleHeader())).toEqual({
    seed: 'ad9a0f3d90463bf3',
    line:
      'ad9a0f3d90463bf3 {"kind":"header","format":2,"direction":"upload","machine":"m","sourcePath":"/source",' +
      '"source":{"size":1000,"mtimeNs":"1700000000123456789","ctimeNs":"-5","inode":"12",' +
      '"device":"18446744073709551615"},"targetPath":"/target",' +
      '"token":{"target":"/target","partial":"/.target.mtpart","stage":"0123"},"pieceSize":65536}\n',
  });
});

const records: [string, JournalRecord, string][] = [
  [
    'a piece',
    { kind: 'piece', offset: 0, length: 1000, state: 'acknowledged' },
    '990e316bab4be734 {"kind":"piece","offset":0,"length":1000,"state":"acknowledged"}\n',
  ],
  [
    'a piece with its digest',
    { kind: 'piece', offset: 999, length: 1, state: 'verified', digest: digestA },
    `f1100a459f7b2bb8 {"kind":"piece","offset":999,"length":1,"state":"verified","digest":"${digestA}"}\n`,
  ],
  [
    'the staged file',
    { kind: 'staged', size: 700, mtimeMs: 1_700_000_000_000, atMs: 1_700_000_000_123 },
    '751d6000dd8d2cb3 {"kind":"staged","size":700,"mtimeMs":1700000000000,"atMs":1700000000123}\n',
  ],
  [
    'the staged file on a server without times',
    { kind: 'staged', size: 0, atMs: 1 },
    '4e8308d3ecdc06e2 {"kind":"staged","size":0,"atMs":1}\n',
  ],
  ['that many may write', { kind: 'many-writers' }, '3887ebb9bd78061a {"kind":"many-writers"}\n'],
  ['that a disk refused to take it', { kind: 'sync-refused' }, 'af47e5cfa03cf32d {"kind":"sync-refused"}\n'],
];

test.each(records)('%s, byte for byte and back', (_, record, line) => {
  expect(recordLine(record, seed)).toBe(line);
  expect(parseRecord(bytesOf(line), seed, 1000)).toEqual(record);
});

test.each([
  ['plain', Buffer.from('/home/me/file')],
  ['not UTF-8', Buffer.from([0x2f, 0xff, 0xc3, 0x28, 0x80])],
  ['with line ends and quotes', Buffer.from('/a\n"b\\\r\u2028')],
  ['beyond the basic plane', Buffer.from('/\u{1f600}\ufffd')],
  ['of 4096 bytes that all have to be escaped', Buffer.alloc(4096, 0xff)],
])('a header comes back with paths that are %s', (_, path) => {
  const text = textFromBytes(path);
  const latin = path.toString('latin1');
  const header = {
    ...sampleHeader(),
    sourcePath: text,
    targetPath: text,
    token: { target: latin, partial: latin, stage: '0123' },
  };
  const { line, seed: own } = headerLine(header);
  expect(line.length).toBeLessThanOrEqual(MAX_HEADER_LENGTH);
  expect(line.indexOf('\n')).toBe(line.length - 1);
  expect(parseHeader(bytesOf(line))).toEqual({ header, seed: own });
});

/** As it is parsed from the first line. */
function headerFields(): Record<string, unknown> {
  return JSON.parse(headerLine(sampleHeader()).line.slice(17)) as Record<string, unknown>;
}

test.each([
  ['another kind', { kind: 'piece' }],
  ['an older format', { format: 1 }],
  ['a format that is no number', { format: '3' }],
  ['a format between two', { format: 1.5 }],
  ['no machine', { machine: undefined }],
  ['another direction', { direction: 'sideways' }],
  ['no source path', { sourcePath: undefined }],
  ['a target path that is no text', { targetPath: 7 }],
  ['no source', { source: null }],
  ['a source that is a list', { source: [] }],
  ['a negative size', { source: { ...(headerFields()['source'] as object), size: -1 } }],
  ['a size as text', { source: { ...(headerFields()['source'] as object), size: '1000' } }],
  ['a time that is a number', { source: { ...(headerFields()['source'] as object), mtimeNs: 5 } }],
  ['an inode with letters', { source: { ...(headerFields()['source'] as object), inode: '0x10' } }],
  ['an inode without end', { source: { ...(headerFields()['source'] as object), inode: '1'.repeat(21) } }],
  ['no token', { token: 'x' }],
  ['a token that identifies nothing', { token: { target: 'x' } }],
  ['a token with something in it', { token: { stage: 'x', a: {} } }],
  ['a token with nothing for something', { token: { stage: 'x', a: null } }],
  [
    'a token of many entries',
    { token: { stage: 'x', ...Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`k${i}`, i])) } },
  ],
  ['a piece size that is no power of two', { pieceSize: 100_000 }],
  ['a piece size below the smallest', { pieceSize: 1024 }],
])('is no header: %s', (_, change) => {
  expect(parseHeader(signed(headerFields(), ''))).toMatchObject({ header: sampleHeader() });
  expect(parseHeader(signed({ ...headerFields(), ...change }, ''))).toBeUndefined();
});

test('a newer format is told, whatever else is in the line', () => {
  expect(parseHeader(signed({ kind: 'header', format: 3, paths: [] }, ''))).toEqual({ newerFormat: 3 });
  const damaged = signed({ kind: 'header', format: 3 }, '');
  damaged[20]! ^= 1;
  expect(parseHeader(damaged)).toBeUndefined();
});

const piece = { kind: 'piece', offset: 0, length: 10, state: 'durable' };

test.each([
  ['an unknown kind', { ...piece, kind: 'note' }],
  ['a kind of every object', { ...piece, kind: 'toString' }],
  ['an unknown state', { ...piece, state: 'lost' }],
  ['no state', { ...piece, state: undefined }],
  ['a negative offset', { ...piece, offset: -1 }],
  ['a fraction', { ...piece, offset: 0.5 }],
  ['a number as text', { ...piece, offset: '0' }],
  ['beyond the safe integers', { ...piece, offset: 2 ** 53 }],
  ['no length', { ...piece, length: 0 }],
  ['past the end of the file', { ...piece, offset: 991 }],
  [
    'two numbers whose sum is not exact',
    { ...piece, offset: Number.MAX_SAFE_INTEGER, length: Number.MAX_SAFE_INTEGER },
  ],
  ['a short digest', { ...piece, digest: 'ab' }],
  ['a digest in capitals', { ...piece, digest: 'A'.repeat(64) }],
  ['a digest that is none', { ...piece, digest: null }],
  ['a staged file without a size', { kind: 'staged', atMs: 1 }],
  ['a staged file of no time', { kind: 'staged', size: 1 }],
  ['a staged file with a time of text', { kind: 'staged', size: 1, mtimeMs: '1', atMs: 1 }],
  ['a list', [piece]],
  ['nothing', null],
  ['a text', '"piece"'],
  ['no JSON', '{"kind":'],
  ['JSON that is too deep', '['.repeat(4000)],
  ['no text at all', ''],
  ['a line that is too long', { ...piece, note: 'x'.repeat(4096) }],
])('is no record: %s', (_, value) => {
  expect(parseRecord(signed(piece), seed, 1000)).toEqual(piece);
  expect(parseRecord(signed(value), seed, 1000)).toBeUndefined();
});

test('a line belongs to its journal alone', () => {
  const other = headerLine({ ...sampleHeader(), token: { stage: 'another' } }).seed;
  expect(parseRecord(signed(piece, other), seed, 1000)).toBeUndefined();
  expect(parseRecord(signed(piece, ''), seed, 1000)).toBeUndefined();
  expect(parseRecord(signed(headerFields(), ''), seed, 1000)).toBeUndefined();
});

test('fields that are not known yet are left out', () => {
  expect(parseRecord(signed({ ...piece, note: 1 }), seed, 1000)).toEqual(piece);
});
