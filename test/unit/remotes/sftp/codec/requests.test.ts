import { describe, expect, test } from 'vitest';
import {
  encodeRequest,
  encodeWriteHeader,
  parseRequest,
  type Request,
  writeRequestHeaderLength,
} from '../../../../../src/remotes/sftp/codec/requests.ts';
import { bytes } from './bytes.ts';
import { feedSplit } from './feed.ts';

const handle = bytes('00000001');
const odd = bytes("'a' ff 0a");

const requests: readonly (readonly [string, Request])[] = [
  ['00000005 01 00000003', { type: 'init', version: 3 }],
  [
    "00000017 03 00000007 00000002 '/f' 0000000a 00000004 00000180",
    { type: 'open', id: 7, path: bytes("'/f'"), flags: 10, attributes: { permissions: 0o600 } },
  ],
  [
    "00000014 03 ffffffff 00000003 'a' ff 0a 00000001 00000000",
    { type: 'open', id: 0xffffffff, path: odd, flags: 1, attributes: {} },
  ],
  ['0000000d 04 00000002 00000004 00000001', { type: 'close', id: 2, handle }],
  [
    '00000019 05 00000003 00000004 00000001 0000000100000002 0003fc00',
    { type: 'read', id: 3, handle, offset: 0x1_0000_0002, length: 261120 },
  ],
  [
    "0000001c 06 00000004 00000004 00000001 001fffffffffffff 00000003 'xyz'",
    { type: 'write', id: 4, handle, offset: Number.MAX_SAFE_INTEGER, data: bytes("'xyz'") },
  ],
  ["0000000a 07 00000005 00000001 '.'", { type: 'lstat', id: 5, path: bytes("'.'") }],
  ['0000000d 08 00000006 00000004 00000001', { type: 'fstat', id: 6, handle }],
  [
    "00000016 09 00000007 00000001 'f' 00000008 00000001 ffffffff",
    {
      type: 'setstat',
      id: 7,
      path: bytes("'f'"),
      attributes: { times: { atimeSeconds: 1, mtimeSeconds: 0xffffffff } },
    },
  ],
  [
    '00000019 0a 00000008 00000004 00000001 00000001 0000000200000000',
    { type: 'fsetstat', id: 8, handle, attributes: { size: 0x2_0000_0000 } },
  ],
  ["0000000a 0b 00000009 00000001 'd'", { type: 'opendir', id: 9, path: bytes("'d'") }],
  ['0000000d 0c 0000000a 00000004 00000001', { type: 'readdir', id: 10, handle }],
  ["0000000a 0d 0000000b 00000001 'f'", { type: 'remove', id: 11, path: bytes("'f'") }],
  [
    "00000016 0e 0000000c 00000001 'd' 00000002 000003e8 00000064",
    { type: 'mkdir', id: 12, path: bytes("'d'"), attributes: { owner: { uid: 1000, gid: 100 } } },
  ],
  ["0000000a 0f 0000000d 00000001 'd'", { type: 'rmdir', id: 13, path: bytes("'d'") }],
  ['00000009 10 0000000e 00000000', { type: 'realpath', id: 14, path: bytes('') }],
  ["0000000a 11 0000000f 00000001 'f'", { type: 'stat', id: 15, path: bytes("'f'") }],
  [
    "0000000f 12 00000010 00000001 'a' 00000001 'b'",
    { type: 'rename', id: 16, oldPath: bytes("'a'"), newPath: bytes("'b'") },
  ],
  ["0000000a 13 00000011 00000001 'l'", { type: 'readlink', id: 17, path: bytes("'l'") }],
  [
    "0000000f 14 00000012 00000001 't' 00000001 'l'",
    { type: 'symlink', id: 18, target: bytes("'t'"), link: bytes("'l'") },
  ],
  [
    "0000001f c8 00000013 00000012 'limits@openssh.com' 00000000",
    { type: 'extended', id: 19, name: 'limits@openssh.com', payload: bytes('00000000') },
  ],
];

describe.each(requests)('%s', (notation, request) => {
  const whole = bytes(notation);

  test('has the length it announces', () => expect(whole.readUInt32BE(0)).toBe(whole.length - 4));
  test('is what the request encodes to', () =>
    expect(encodeRequest(request).toString('hex')).toBe(whole.toString('hex')));
  test('is parsed back', () => expect(parseRequest(whole.subarray(4))).toEqual(request));
  test('is framed however it is split', () => feedSplit(whole));
  test('is refused when it ends early', () => {
    for (let length = 0; length < whole.length - 4; length++) {
      if (request.type === 'extended' && length >= whole.length - 8) continue; // its payload is whatever is left
      expect(() => parseRequest(whole.subarray(4, 4 + length))).toThrow(expect.objectContaining({ code: 'protocol' }));
    }
  });
});

test('every type is among the examples', () => {
  expect(new Set(requests.map(([, { type }]) => type)).size).toBe(20);
});

test('handles of 256 bytes are accepted and longer ones refused, in both directions', () => {
  const longest = { type: 'close', id: 1, handle: Buffer.alloc(256, 7) } as const;
  expect(parseRequest(encodeRequest(longest).subarray(4))).toEqual(longest);
  const refused = expect.objectContaining({ code: 'protocol' });
  expect(() => encodeRequest({ ...longest, handle: Buffer.alloc(257) })).toThrow(refused);
  const hostile = Buffer.concat([bytes('04 00000001 00000101'), Buffer.alloc(257)]);
  expect(() => parseRequest(hostile)).toThrow(refused);
});

test.each([-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])('offset %d is refused', (offset) => {
  const refused = expect.objectContaining({ code: 'protocol' });
  expect(() => encodeRequest({ type: 'read', id: 1, handle, offset, length: 1 })).toThrow(refused);
  expect(() => encodeWriteHeader(Buffer.alloc(64), 0, 1, handle, offset, 1)).toThrow(refused);
});

test('an offset beyond 2^53 − 1 on the wire is refused', () => {
  const hostile = bytes('05 00000001 00000001 00 0020000000000000 00000001');
  expect(() => parseRequest(hostile)).toThrow(expect.objectContaining({ code: 'protocol' }));
});

test.each(['00', '02 00000003', '65 00000001 00000000', 'ff 00000001'])('%s is no request', (notation) => {
  expect(() => parseRequest(bytes(notation))).toThrow(expect.objectContaining({ code: 'protocol' }));
});

test('the header of a write is encoded before data that is already in the buffer', () => {
  expect(writeRequestHeaderLength(4)).toBe(29);
  const buffer = bytes(`eeee ${'00'.repeat(29)} 'xyz'`);
  expect(encodeWriteHeader(buffer, 2, 4, handle, 0x1_0000_0002, 3)).toBe(31);
  const expected = "eeee 0000001c 06 00000004 00000004 00000001 0000000100000002 00000003 'xyz'";
  expect(buffer.toString('hex')).toBe(bytes(expected).toString('hex'));
});
