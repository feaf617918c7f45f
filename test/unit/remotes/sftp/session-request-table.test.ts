import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CopyError } from '../../../../src/errors.ts';
import type { Reply } from '../../../../src/remotes/sftp/codec/replies.ts';
import { RequestTable, VERSION_ID } from '../../../../src/remotes/sftp/session-request-table.ts';

const code = (value: string) => expect.objectContaining({ code: value });

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function newTable(firstId = 1) {
  const onExpired = vi.fn<(error: CopyError) => void>();
  const table = new RequestTable({ stallTimeoutMs: 30_000, now: () => performance.now(), firstId }, onExpired);
  return { table, onExpired };
}

function begin(table: RequestTable, id = table.takeId()) {
  return { id, answer: table.add(id, 'status', 0, 0) };
}

function ok(id: number): Reply {
  return { type: 'status', id, status: 0, message: Buffer.alloc(0), language: Buffer.alloc(0) };
}

test('a reply settles the request of its id', async () => {
  const { table } = newTable();
  const [first, second] = [begin(table), begin(table)];
  expect(table.size).toBe(2);
  table.settle({ ...ok(second.id), status: 4 } as Reply);
  table.settle(ok(first.id));
  await expect(second.answer).rejects.toMatchObject({ status: 4 });
  expect(await first.answer).toBeUndefined();
  expect(table.size).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test('VERSION, which has no id, answers INIT', async () => {
  const { table } = newTable();
  const answer = table.add(VERSION_ID, 'version', 0, 0);
  const version = { type: 'version', version: 3, extensions: new Map() } as const;
  table.settle(version);
  expect(await answer).toBe(version);
  expect(() => table.settle(version)).toThrow(code('protocol'));
});

test('ids wrap around, and skip those in flight', () => {
  const { table } = newTable(0xffffffff);
  const ids = [begin(table), begin(table), begin(table)].map(({ id }) => id);
  expect(ids).toEqual([0xffffffff, 0, 1]);
  const other = newTable(0xffffffff).table;
  begin(other, 0);
  begin(other, 1);
  expect([other.takeId(), other.takeId()]).toEqual([0xffffffff, 2]);
});

test('no more than 4096 requests are in flight', () => {
  const { table } = newTable();
  const requests = Array.from({ length: 4095 }, () => begin(table));
  expect(() => table.takeId(2)).toThrow(code('bug'));
  requests.push(begin(table));
  expect(() => table.takeId()).toThrow(code('bug'));
  table.settle(ok(requests[0]!.id));
  expect(table.takeId()).toBe(4097);
});

test('a reply to nothing, or that does not fit its request, settles none', () => {
  const { table } = newTable();
  const { id } = begin(table);
  expect(() => table.settle(ok(id + 1))).toThrow(code('protocol'));
  expect(() => table.settle({ type: 'data', id, data: Buffer.of(1) })).toThrow(code('protocol'));
  expect(table.size).toBe(1);
});

test('the end rejects the requests in flight, and no others can be begun', async () => {
  const { table } = newTable();
  const answers = [begin(table), begin(table)].map(({ answer }) => answer);
  expect(table.ended).toBeUndefined();
  const reason = new CopyError('connection-lost', 'It ended.');
  table.end(reason);
  for (const answer of answers) await expect(answer).rejects.toBe(reason);
  expect(table.ended).toBe(reason);
  expect(table.size).toBe(0);
  expect(() => table.takeId()).toThrow(reason);
  expect(() => table.settle(ok(1))).toThrow(code('protocol'));
  expect(vi.getTimerCount()).toBe(0);
});

test('a request without a reply expires, later if there is activity', () => {
  const { table, onExpired } = newTable();
  begin(table);
  vi.advanceTimersByTime(20_000);
  table.onActivity();
  vi.advanceTimersByTime(29_900);
  expect(onExpired).not.toHaveBeenCalled();
  vi.advanceTimersByTime(200);
  expect(onExpired).toHaveBeenCalledExactlyOnceWith(code('connection-stalled'));
});
