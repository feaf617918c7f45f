import { expect, test } from 'vitest';
import * as extensions from '../../../../../src/remotes/sftp/codec/extensions.ts';
import { bytes } from './bytes.ts';

const text = (value: string) => Buffer.from(value);

test('posix-rename', () => {
  const payload = bytes("00000001 'a' 00000002 'bc'");
  expect(extensions.encodePosixRename(text('a'), text('bc'))).toEqual(payload);
  expect(extensions.parsePosixRename(payload)).toEqual({ oldPath: text('a'), newPath: text('bc') });
});

test('fsync', () => {
  const payload = bytes('00000004 00000009');
  expect(extensions.encodeFsync(bytes('00000009'))).toEqual(payload);
  expect(extensions.parseFsync(payload)).toEqual({ handle: bytes('00000009') });
});

test('lsetstat', () => {
  const payload = bytes("00000001 'l' 00000004 000001ed");
  expect(extensions.encodeLsetstat(text('l'), { permissions: 0o755 })).toEqual(payload);
  expect(extensions.parseLsetstat(payload)).toEqual({ path: text('l'), attributes: { permissions: 0o755 } });
});

test('copy-data', () => {
  const payload = bytes('00000001 0a 0000000000000001 0000000100000000 00000001 0b 001fffffffffffff');
  const copy = {
    fromHandle: bytes('0a'),
    fromOffset: 1,
    length: 0x1_0000_0000,
    toHandle: bytes('0b'),
    toOffset: Number.MAX_SAFE_INTEGER,
  };
  expect(extensions.encodeCopyData(copy)).toEqual(payload);
  expect(extensions.parseCopyData(payload)).toEqual(copy);
});

test('the limits of OpenSSH 9.2', () => {
  const payload = bytes('0000000000040000 000000000003fc00 000000000003fc00 0000000000004e1b');
  const limits = { maxPacketLength: 262144, maxReadLength: 261120, maxWriteLength: 261120, maxOpenHandles: 19995 };
  expect(extensions.encodeLimits(limits)).toEqual(payload);
  expect(extensions.parseLimits(payload)).toEqual(limits);
});

test('limits beyond 2^53 − 1 mean none', () => {
  const payload = Buffer.alloc(32, 0xff);
  expect(extensions.parseLimits(payload).maxReadLength).toBe(Number.MAX_SAFE_INTEGER);
});

test('statvfs', () => {
  expect(extensions.encodeStatVfsRequest(text('/'))).toEqual(bytes("00000001 '/'"));
  expect(extensions.parseStatVfsRequest(bytes("00000001 '/'"))).toEqual({ path: text('/') });
  const payload = bytes(
    Array.from({ length: 11 }, (_, index) => `00000000000000${(index + 1).toString(16).padStart(2, '0')}`).join(' '),
  );
  const statVfs = {
    blockSize: 1,
    fragmentSize: 2,
    blocks: 3,
    blocksFree: 4,
    blocksAvailable: 5,
    files: 6,
    filesFree: 7,
    filesAvailable: 8,
    fileSystemId: 9,
    flags: 10,
    maxNameLength: 11,
  };
  expect(extensions.encodeStatVfs(statVfs)).toEqual(payload);
  expect(extensions.parseStatVfs(payload)).toEqual(statVfs);
});

test.each([
  ['posix-rename', extensions.parsePosixRename],
  ['fsync', extensions.parseFsync],
  ['lsetstat', extensions.parseLsetstat],
  ['copy-data', extensions.parseCopyData],
  ['limits', extensions.parseLimits],
  ['statvfs request', extensions.parseStatVfsRequest],
  ['statvfs', extensions.parseStatVfs],
] as const)('%s: a payload that ends early is refused', (_, parse) => {
  const refused = expect.objectContaining({ code: 'protocol' });
  expect(() => parse(bytes(''))).toThrow(refused);
  expect(() => parse(bytes('00000005 00'))).toThrow(refused);
});
