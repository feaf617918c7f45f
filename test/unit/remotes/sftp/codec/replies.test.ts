import { describe, expect, test } from 'vitest';
import { encodeReply, parseReply, type Reply } from '../../../../../src/remotes/sftp/codec/replies.ts';
import { bytes } from './bytes.ts';
import { feedSplit } from './feed.ts';

const replies: readonly (readonly [string, Reply])[] = [
  ['00000005 02 00000003', { type: 'version', version: 3, extensions: new Map() }],
  [
    "00000028 02 00000003 00000012 'limits@openssh.com' 00000001 '1' 00000000 00000000",
    {
      type: 'version',
      version: 3,
      extensions: new Map([
        ['limits@openssh.com', bytes("'1'")],
        ['', bytes('')],
      ]),
    },
  ],
  [
    "00000022 65 00000003 00000002 0000000c 'No such file' 00000005 'en-US'",
    { type: 'status', id: 3, status: 2, message: bytes("'No such file'"), language: bytes("'en-US'") },
  ],
  ['00000009 66 00000001 00000000', { type: 'handle', id: 1, handle: bytes('') }],
  ["0000000c 66 ffffffff 00000003 00 'h' ff", { type: 'handle', id: 0xffffffff, handle: bytes("00 'h' ff") }],
  ["0000000c 67 00000002 00000003 'xyz'", { type: 'data', id: 2, data: bytes("'xyz'") }],
  [
    `00000043 68 00000004 00000002
       00000001 'f' 00000003 'l f' 0000000f 001fffffffffffff 00000001 00000002 000081a4 00000003 00000004
       00000002 2e 2e 00000000 00000000`,
    {
      type: 'name',
      id: 4,
      entries: [
        {
          name: bytes("'f'"),
          longName: bytes("'l f'"),
          attributes: {
            size: Number.MAX_SAFE_INTEGER,
            owner: { uid: 1, gid: 2 },
            permissions: 0o100644,
            times: { atimeSeconds: 3, mtimeSeconds: 4 },
          },
        },
        { name: bytes("'..'"), longName: bytes(''), attributes: {} },
      ],
    },
  ],
  ['00000011 69 00000005 00000001 0000000000000000', { type: 'attributes', id: 5, attributes: { size: 0 } }],
  ["0000000a c9 00000006 'extra'", { type: 'extendedReply', id: 6, payload: bytes("'extra'") }],
];

/** Lengths at which a shortened packet is whole again, because what follows is optional. */
function isWholeAt(reply: Reply, length: number): boolean {
  if (reply.type === 'version') return length === 5 || length === 32;
  if (reply.type === 'status') return length === 9 || length === 25;
  return reply.type === 'extendedReply' && length >= 5;
}

describe.each(replies)('%s', (notation, reply) => {
  const whole = bytes(notation);

  test('has the length it announces', () => expect(whole.readUInt32BE(0)).toBe(whole.length - 4));
  test('is what the reply encodes to', () => expect(encodeReply(reply).toString('hex')).toBe(whole.toString('hex')));
  test('is parsed back', () => expect(parseReply(whole.subarray(4))).toEqual(reply));
  test('is framed however it is split', () => feedSplit(whole));
  test('is refused when it ends early', () => {
    for (let length = 0; length < whole.length - 4; length++) {
      if (isWholeAt(reply, length)) continue;
      expect(() => parseReply(whole.subarray(4, 4 + length)), `${length} bytes`).toThrow(
        expect.objectContaining({ code: 'protocol' }),
      );
    }
  });
});

test('every type is among the examples', () => {
  expect(new Set(replies.map(([, { type }]) => type)).size).toBe(7);
});

test.each([
  ['65 00000001 00000000', ''],
  ["65 00000001 00000000 00000002 'ok'", 'ok'],
])('a status without language or message is taken: %s', (notation, message) => {
  expect(parseReply(bytes(notation))).toEqual({
    type: 'status',
    id: 1,
    status: 0,
    message: Buffer.from(message),
    language: Buffer.alloc(0),
  });
});

test('extended attributes and unknown flags are skipped', () => {
  const notation = "69 00000001 a0000000 00000002 00000001 'a' 00000000 00000001 'b' 00000001 'v'";
  expect(parseReply(bytes(notation))).toEqual({ type: 'attributes', id: 1, attributes: {} });
});

test.each([
  ['extended attributes that never end', "69 00000001 80000000 ffffffff 00000001 'a' 00000001 'b'"],
  ['more names than bytes', '68 00000001 ffffffff 00000000 00000000 00000000'],
  ['one name too many', '68 00000001 00000002 00000000 00000000 00000000'],
  ['data shorter than announced', '67 00000001 ffffffff 00'],
  ['a request', '05 00000001'],
  ['an unknown type', '6a 00000001'],
])('%s is refused', (_, notation) => {
  expect(() => parseReply(bytes(notation))).toThrow(expect.objectContaining({ code: 'protocol' }));
});

test.each(['0020000000000000', 'ffffffffffffffff'])('a size of 0x%s is more than any file has', (size) => {
  const attributes = { size: Number.MAX_SAFE_INTEGER };
  expect(parseReply(bytes(`69 00000001 00000001 ${size}`))).toEqual({ type: 'attributes', id: 1, attributes });
});

test('a handle longer than 256 bytes is refused both ways', () => {
  const refused = expect.objectContaining({ code: 'protocol' });
  const hostile = Buffer.concat([bytes('66 00000001 00000101'), Buffer.alloc(257)]);
  expect(() => parseReply(hostile)).toThrow(refused);
  expect(() => encodeReply({ type: 'handle', id: 1, handle: Buffer.alloc(257) })).toThrow(refused);
});
