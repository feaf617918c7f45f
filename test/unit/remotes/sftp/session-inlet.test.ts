import { expect, test } from 'vitest';
import { PacketType } from '../../../../src/remotes/sftp/codec/constants.ts';
import { encodeReply } from '../../../../src/remotes/sftp/codec/replies.ts';
import { SftpSession } from '../../../../src/remotes/sftp/session.ts';
import { ReadPool } from '../../../../src/remotes/sftp/session-inlet.ts';
import { ScriptedServer } from './scripted-server.ts';

const KIB = 1024;
const { data, attributes } = PacketType;
const handle = Buffer.of(1, 2, 3, 4);

test('memory that was given back is used again, for packets that fit', () => {
  const pool = new ReadPool();
  const first = pool.allocate(255 * KIB, data);
  expect(first.length).toBe(255 * KIB);
  pool.give(first.subarray(13));
  expect(pool.allocate(32 * KIB, data).buffer).not.toBe(first.buffer);
  const again = pool.allocate(200 * KIB, data);
  expect(again.length).toBe(200 * KIB);
  expect(again.buffer).toBe(first.buffer);
});

test('memory in use, of others, or given back twice is not used again', () => {
  const pool = new ReadPool();
  const one = pool.allocate(32 * KIB, data);
  expect(pool.allocate(32 * KIB, data).buffer).not.toBe(one.buffer);
  pool.give(new Uint8Array(one.buffer.byteLength));
  pool.give(one);
  pool.give(one);
  expect(pool.allocate(32 * KIB, data).buffer).toBe(one.buffer);
  expect(pool.allocate(32 * KIB, data).buffer).not.toBe(one.buffer);
});

test.each([
  ['short ones', 100, data],
  ['other answers', 32 * KIB, attributes],
  ['what is longer than any request', 300 * KIB, data],
])('%s have memory of their own', (_, length, type) => {
  const pool = new ReadPool();
  const packet = pool.allocate(length, type);
  pool.give(packet);
  expect(packet.length).toBe(length);
  expect(pool.allocate(length, type).buffer === packet.buffer && length >= 4 * KIB).toBe(false);
});

test('spare memory is limited', () => {
  const pool = new ReadPool();
  const packets = Array.from({ length: 100 }, () => pool.allocate(255 * KIB, data));
  const known = new Set(packets.map(({ buffer }) => buffer));
  for (const packet of packets) pool.give(packet);
  const again = packets.map(() => pool.allocate(255 * KIB, data));
  expect(again.filter(({ buffer }) => known.has(buffer)).length).toBeLessThanOrEqual(64);
});

test('an inlet receives as soon as SFTP has begun, and its memory may change after each call', async () => {
  const server = new ScriptedServer();
  const begun: ((bytes: Buffer) => void)[] = [];
  const inlet = { begin: (onBytes: (bytes: Buffer) => void) => void begun.push(onBytes) };
  const session = await SftpSession.open(server.channel, { stallTimeoutMs: 30_000, inlet, firstId: 7 });
  expect(begun).toHaveLength(1);
  const reading = session.read(handle, 0, 20 * KIB);
  const content = Buffer.alloc(20 * KIB, 'content');
  const reply = encodeReply({ type: 'data', id: 7, data: content });
  const memory = Buffer.alloc(reply.length);
  for (let at = 0; at < reply.length; at += 7000) {
    const part = reply.copy(memory, 0, at, at + 7000);
    begun[0]!(memory.subarray(0, part));
    memory.fill(0);
  }
  const received = await reading;
  if (received === 'eof') throw new Error('It ended.');
  expect(content.equals(received)).toBe(true);
  session.recycle(received);
  const second = session.read(handle, 0, 20 * KIB);
  begun[0]!(encodeReply({ type: 'data', id: 8, data: content }));
  expect(((await second) as Uint8Array).buffer).toBe(received.buffer);
  await session.close();
  begun[0]!(Buffer.from('what comes after the end is ignored'));
});
