import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SftpSession } from '../../../../src/remotes/sftp/session.ts';
import { ScriptedServer } from './scripted-server.ts';

const path = Buffer.from('f');
const handle = Buffer.of(1);
const stalled = expect.objectContaining({ code: 'connection-stalled' });

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function open(server = new ScriptedServer()) {
  return { server, session: await SftpSession.open(server.channel, { stallTimeoutMs: 30_000 }) };
}

/** Notes when a promise settles. */
function watch(promise: Promise<unknown>) {
  const seen: { result?: unknown; error?: unknown } = {};
  promise.then(
    (result) => Object.assign(seen, { result }),
    (error: unknown) => Object.assign(seen, { error }),
  );
  return seen;
}

test('a request without an answer stalls after the stall timeout, with all others', async () => {
  const { server, session } = await open();
  const first = watch(session.stat(path));
  await vi.advanceTimersByTimeAsync(10_000);
  const second = watch(session.stat(path));
  await vi.advanceTimersByTimeAsync(29_900);
  expect(first.error).toBeUndefined();
  await vi.advanceTimersByTimeAsync(200);
  expect(first.error).toEqual(stalled);
  expect(second.error).toBe(first.error);
  expect(await session.closed).toBe(first.error);
  expect(server.channel.destroyed).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test('INIT has the same deadline', async () => {
  const opening = watch(SftpSession.open(new ScriptedServer('silent').channel, { stallTimeoutMs: 1000 }));
  await vi.advanceTimersByTimeAsync(1010);
  expect(opening.error).toEqual(stalled);
});

test('there is no timer while nothing is pending, and one while anything is', async () => {
  const { server, session } = await open();
  expect(vi.getTimerCount()).toBe(0);
  const stats = [session.stat(path), session.stat(path), session.fsync(handle, 0)];
  expect(vi.getTimerCount()).toBe(1);
  for (const { id } of server.requests) server.status(id);
  await Promise.allSettled(stats);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(vi.getTimerCount()).toBe(0);
});

test('an idle session never expires', async () => {
  const { server, session } = await open();
  await vi.advanceTimersByTimeAsync(3_600_000);
  server.onRequest = ({ id }) => server.status(id, 2);
  expect(await session.stat(path)).toBeUndefined();
});

test('received bytes postpone the stall, even a part of a reply', async () => {
  const { server, session } = await open();
  const read = watch(session.read(handle, 0, 10_000));
  for (let second = 0; second < 100; second += 20) {
    await vi.advanceTimersByTimeAsync(20_000);
    server.channel.push(Buffer.concat([second === 0 ? Buffer.of(0, 0, 39, 16, 103) : Buffer.of(), Buffer.alloc(1100)]));
  }
  await vi.advanceTimersByTimeAsync(29_000);
  expect(read.error).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1100);
  expect(read.error).toEqual(stalled);
});

test('a few bytes now and then do not postpone the stall', async () => {
  const { server, session } = await open();
  const read = watch(session.read(handle, 0, 10_000));
  server.channel.push(Buffer.of(0, 0, 39, 16, 103));
  for (let second = 0; second < 30; second += 10) {
    await vi.advanceTimersByTimeAsync(10_000);
    server.channel.push(Buffer.of(0));
  }
  await vi.advanceTimersByTimeAsync(100);
  expect(read.error).toEqual(stalled);
});

test('bytes that are taken by the socket postpone the stall', async () => {
  const { server, session } = await open();
  server.takes = false;
  const stat = watch(session.stat(path));
  await vi.advanceTimersByTimeAsync(20_000);
  server.release();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(stat.error).toBeUndefined();
  await vi.advanceTimersByTimeAsync(10_100);
  expect(stat.error).toEqual(stalled);
});

test('a slow operation has 60 s and its bytes at 5 MB/s', async () => {
  const { session } = await open();
  const fsync = watch(session.fsync(handle, 500_000_000));
  await vi.advanceTimersByTimeAsync(159_900);
  expect(fsync.error).toBeUndefined();
  await vi.advanceTimersByTimeAsync(200);
  expect(fsync.error).toEqual(stalled);
});

test('its time begins when it is the oldest request; those behind it do not expire meanwhile, and then have their full time', async () => {
  const { server, session } = await open();
  const stat = watch(session.stat(path));
  const close = watch(session.closeHandle(handle));
  const behind = watch(session.stat(path));
  await vi.advanceTimersByTimeAsync(25_000);
  server.status(1, 2);
  await vi.advanceTimersByTimeAsync(59_900);
  expect(stat).toEqual({ result: undefined });
  expect(close.error).toBeUndefined();
  server.status(2);
  await vi.advanceTimersByTimeAsync(29_900);
  expect(close).toEqual({ result: undefined });
  expect(behind.error).toBeUndefined();
  await vi.advanceTimersByTimeAsync(200);
  expect(behind.error).toEqual(stalled);
});

test('other bytes do not give a slow operation more time', async () => {
  const { server, session } = await open();
  const fsync = watch(session.fsync(handle, 0));
  for (let second = 10; second < 60; second += 10) {
    const stat = session.stat(path);
    await vi.advanceTimersByTimeAsync(10_000);
    server.status(server.requests.at(-1)!.id, 2);
    await stat;
  }
  await vi.advanceTimersByTimeAsync(10_100);
  expect(fsync.error).toEqual(stalled);
});

test('an extension is a slow operation if the caller says so', async () => {
  const { session } = await open();
  const slow = watch(session.extended('copy-data', Buffer.alloc(0), 50_000_000));
  await vi.advanceTimersByTimeAsync(69_900);
  expect(slow.error).toBeUndefined();
  await vi.advanceTimersByTimeAsync(200);
  expect(slow.error).toEqual(stalled);
});

test('closing waits at most two seconds for the server', async () => {
  const { server, session } = await open();
  vi.spyOn(server.channel, 'end').mockReturnValue(server.channel);
  const closing = watch(session.close());
  await vi.advanceTimersByTimeAsync(1900);
  expect(closing).toEqual({});
  await vi.advanceTimersByTimeAsync(200);
  expect(closing).toEqual({ result: undefined });
  expect(server.channel.destroyed).toBe(true);
});
