import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { CopyError } from '../../../../src/errors.ts';
import { encodeReply, type Reply } from '../../../../src/remotes/sftp/codec/replies.ts';
import { type PacketInlet, ReadPool } from '../../../../src/remotes/sftp/session-inlet.ts';
import { ReplyReceiver } from '../../../../src/remotes/sftp/session-receiver.ts';
import { RequestTable, VERSION_ID } from '../../../../src/remotes/sftp/session-request-table.ts';

const version = encodeReply({ type: 'version', version: 3, extensions: new Map() });

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A receiver that awaits VERSION, and notes the failures. */
function newReceiver(inlet?: PacketInlet) {
  const requests = new RequestTable({ stallTimeoutMs: 30_000, now: () => 0, firstId: 1 }, () => {});
  const failures: CopyError[] = [];
  const receiver = new ReplyReceiver(requests, { inlet, readPool: new ReadPool() }, (reason) => {
    failures.push(reason);
    requests.end(reason);
  });
  const greeted = requests.add(VERSION_ID, 'version', 0, 0);
  greeted.catch(() => {});
  return { requests, receiver, failures, greeted };
}

function read(requests: RequestTable): Promise<unknown> {
  return requests.add(requests.takeId(), 'data', 0, 100);
}

function data(id: number): Buffer {
  const reply: Reply = { type: 'data', id, data: Buffer.of(id) };
  return encodeReply(reply);
}

test('VERSION ends the greeting', async () => {
  const { receiver, greeted } = newReceiver();
  receiver.onBytes(version.subarray(0, 6));
  expect(receiver.greeting).toBeDefined();
  receiver.onBytes(version.subarray(6));
  expect(receiver.greeting).toBeUndefined();
  expect(await greeted).toMatchObject({ version: 3 });
});

test('several replies in one piece, and one in several pieces', async () => {
  const { requests, receiver, failures } = newReceiver();
  const reads = [read(requests), read(requests), read(requests)];
  const all = Buffer.concat([version, data(2), data(1), data(3)]);
  receiver.onBytes(all.subarray(0, -3));
  expect(requests.size).toBe(1);
  receiver.onBytes(all.subarray(-3));
  expect(await Promise.all(reads)).toEqual([Buffer.of(1), Buffer.of(2), Buffer.of(3)]);
  expect(failures).toEqual([]);
});

test('what is no reply to a request is a failure, and nothing behind it is looked at', async () => {
  const { requests, receiver, failures } = newReceiver();
  const reading = read(requests);
  const refused = expect(reading).rejects.toMatchObject({ code: 'protocol' });
  receiver.onBytes(Buffer.concat([version, data(7), data(1)]));
  receiver.onBytes(data(8));
  await refused;
  expect(failures).toEqual([expect.objectContaining({ code: 'protocol' })]);
});

test('text in place of VERSION is quoted; later it is a packet that is too long', () => {
  const text = Buffer.from('Welcome to backup\n');
  const early = newReceiver();
  early.receiver.onBytes(text);
  expect(early.failures).toEqual([expect.objectContaining({ message: expect.stringContaining('Welcome to backup') })]);
  const late = newReceiver();
  late.receiver.onBytes(version);
  late.receiver.onBytes(text);
  expect(late.failures).toEqual([expect.objectContaining({ message: expect.stringContaining('bytes; at most') })]);
});

test('the inlet begins when VERSION was received, once', async () => {
  const begin = vi.fn<PacketInlet['begin']>();
  const { requests, receiver } = newReceiver({ begin });
  const reading = read(requests);
  receiver.onBytes(version.subarray(0, -1));
  expect(begin).not.toHaveBeenCalled();
  receiver.onBytes(version.subarray(-1));
  expect(begin).toHaveBeenCalledOnce();
  const memory = data(1);
  begin.mock.calls[0]![0](memory);
  memory.fill(0);
  expect(await reading).toEqual(Buffer.of(1));
  expect(begin).toHaveBeenCalledOnce();
});
