import { expect, test } from 'vitest';
import * as codec from '../../../../../src/remotes/sftp/codec/check-file.ts';
import { bytes } from './bytes.ts';

const one = Buffer.alloc(32, 1);
const two = Buffer.alloc(32, 2);
const hex = (digest: Uint8Array) => Buffer.from(digest).toString('hex');

test('the request is the same as one that was captured', () => {
  // Without the name in front: that is the EXTENDED request's own.
  const payload = bytes("00000005 'k.bin' 00000006 'sha256' 0000000000000000 0000000000010000 00000000");
  const check = { file: Buffer.from('k.bin'), algorithms: ['sha256'], offset: 0, length: 65536, blockSize: 0 };
  expect(codec.encodeCheckFile(check)).toEqual(payload);
  expect(codec.parseCheckFile(payload)).toEqual(check);
});

test('several algorithms are sent as a list', () => {
  const check = { file: Buffer.of(1), algorithms: ['sha256', 'md5'], offset: 1, length: 2, blockSize: 65536 };
  const payload = bytes("00000001 01 0000000a 'sha256,md5' 0000000000000001 0000000000000002 00010000");
  expect(codec.encodeCheckFile(check)).toEqual(payload);
  expect(codec.parseCheckFile(payload)).toEqual(check);
});

test.each([
  ['the draft, one', `00000006 'sha256' ${hex(one)}`, [one]],
  ['the draft, two', `00000006 'sha256' ${hex(one)} ${hex(two)}`, [one, two]],
  ['the draft, none', "00000006 'sha256'", []],
  ['paramiko', `0000000a 'check-file' 00000006 'sha256' ${hex(one)} ${hex(two)}`, [one, two]],
  ['MINA, one', `0000000a 'check-file' 00000006 'sha256' 00000020 ${hex(one)}`, [one]],
  ['MINA, two', `0000000f 'check-file-name' 00000006 'sha256' 00000020 ${hex(one)} 00000020 ${hex(two)}`, [one, two]],
])('the layout of %s', (_, notation, digests) => {
  expect(codec.parseCheckFileReply(bytes(notation))).toEqual({ algorithm: 'sha256', digests, count: digests.length });
});

test('digests beyond the maximum are only counted', () => {
  const payload = bytes(`00000006 'sha256' ${hex(one)} ${hex(two)} ${hex(two)}`);
  expect(codec.parseCheckFileReply(payload, 1)).toEqual({ algorithm: 'sha256', digests: [one], count: 3 });
});

test("a length below 0 goes as two's complement", () => {
  const payload = bytes("00000001 01 00000003 'md5' 0000000000030000 fffffffffffe0000 00010000");
  const check = { file: Buffer.of(1), algorithms: ['md5'], offset: 196_608, length: -131_072, blockSize: 65536 };
  expect(codec.encodeCheckFile(check)).toEqual(payload);
  expect(codec.parseCheckFile(payload)).toEqual(check);
});

test('nine raw digests are distinguished from eight with lengths, which have as many bytes', () => {
  const raw = Buffer.alloc(9 * 32, 3);
  const payload = Buffer.concat([bytes("00000006 'sha256'"), raw]);
  expect(codec.parseCheckFileReply(payload).digests).toHaveLength(9);
});

test.each([
  ['an unknown algorithm', "00000005 'crc32' 00000000"],
  ['a name that objects inherit', "00000008 'toString' 00000000"],
  ['half a digest', "00000003 'md5' 00000000"],
  ['nothing', ''],
])('%s is refused', (_, notation) => {
  expect(() => codec.parseCheckFileReply(bytes(notation))).toThrow(expect.objectContaining({ code: 'protocol' }));
});

test('the stand-in server answers in the layout of the draft', () => {
  const payload = codec.encodeCheckFileReply({ algorithm: 'sha256', digests: [one, two] });
  expect(payload).toEqual(bytes(`00000006 'sha256' ${hex(one)} ${hex(two)}`));
});
