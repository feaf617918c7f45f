import { expect, test } from 'vitest';
import { PacketFramer } from '../../../../../src/remotes/sftp/codec/packet-framer.ts';
import { bytes } from './bytes.ts';
import { framed } from './feed.ts';

const protocol = expect.objectContaining({ code: 'protocol' });

/** A packet of `length` bytes and of one type, of which only the beginning is made. */
const beginning = (length: number, type: string) => bytes(`${length.toString(16).padStart(8, '0')} ${type}`);

test('a packet that lies in one chunk is a view of it', () => {
  const chunk = bytes('00000002 65aa 00000001 66');
  const framer = new PacketFramer();
  framer.push(chunk);
  const first = framer.next()!;
  expect(first.buffer).toBe(chunk.buffer);
  expect(first.byteOffset).toBe(chunk.byteOffset + 4);
  expect(first.toString('hex')).toBe('65aa');
  expect(framer.next()?.toString('hex')).toBe('66');
  expect(framer.next()).toBeUndefined();
});

test('with memory to copy to, every packet is copied, and chunks may change', () => {
  const asked: number[][] = [];
  const allocate = (length: number, type: number): Buffer => {
    asked.push([length, type]);
    return Buffer.alloc(length);
  };
  for (let split = 1; split < 11; split++) {
    const framer = new PacketFramer({}, allocate);
    const whole = bytes('00000002 65aa 00000001 66');
    const packets: (Buffer | undefined)[] = [];
    for (const chunk of [whole.subarray(0, split), whole.subarray(split)]) {
      framer.push(chunk);
      for (let packet = framer.next(); packet !== undefined; packet = framer.next()) packets.push(packet);
      chunk.fill(0);
    }
    expect(packets.map((packet) => packet?.toString('hex'))).toEqual(['65aa', '66']);
    expect(asked.splice(0)).toEqual([
      [2, 0x65],
      [1, 0x66],
    ]);
  }
});

test('accepts a Uint8Array that is not a Buffer', () => {
  expect(framed([new Uint8Array([9, 0, 0, 0, 1, 7]).subarray(1)])).toEqual(['07']);
});

test.each([
  [1024 * 1024, '67'],
  [8 * 1024 * 1024, 'c9'],
])('%i bytes of type %s are the most by default', (limit, type) => {
  for (const split of [0, 1, 2, 3, 4, 5]) {
    const fits = beginning(limit, type);
    expect(framed([fits.subarray(0, split), fits.subarray(split), Buffer.alloc(limit - 1)])).toHaveLength(1);
    const tooLong = beginning(limit + 1, type);
    expect(() => framed([tooLong.subarray(0, split), tooLong.subarray(split)])).toThrow(protocol);
  }
});

test('limits can be set', () => {
  const framer = () => new PacketFramer({ maxLength: 2, maxExtendedReplyLength: 3 });
  expect(framed([bytes('00000002 6500')], framer())).toEqual(['6500']);
  expect(() => framed([bytes('00000003 650000')], framer())).toThrow(protocol);
  expect(framed([bytes('00000003 c90000')], framer())).toEqual(['c90000']);
  expect(() => framed([bytes('00000004 c9000000')], framer())).toThrow(protocol);
});

test('a length no type allows is refused without waiting for the type', () => {
  expect(() => framed([bytes("'Welc'")])).toThrow(protocol);
});

test('an empty packet is refused, split or not', () => {
  for (let at = 0; at <= 8; at++) {
    const chunk = bytes('00000000 00000001');
    expect(() => framed([chunk.subarray(0, at), chunk.subarray(at)])).toThrow(protocol);
  }
  expect(() => framed([bytes('00000000')])).toThrow(protocol);
});

test('a packet is returned when its last part has arrived', () => {
  const framer = new PacketFramer();
  expect(framed([bytes('00')], framer)).toEqual([]);
  expect(framed([bytes('000002 65')], framer)).toEqual([]);
  expect(framed([bytes('66')], framer)).toEqual(['6566']);
});

test('a chunk that comes too early is a bug', () => {
  const framer = new PacketFramer();
  framer.push(bytes('00000001 65'));
  expect(() => framer.push(bytes('00'))).toThrow(expect.objectContaining({ code: 'bug' }));
});
