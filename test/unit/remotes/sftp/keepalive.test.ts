import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keepAlive } from '../../../../src/remotes/sftp/keepalive.ts';
import { SftpSession } from '../../../../src/remotes/sftp/session.ts';
import { ScriptedServer } from './scripted-server.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function idleSession(everyMs = 10_000) {
  const server = new ScriptedServer();
  const session = await SftpSession.open(server.channel, { stallTimeoutMs: 30_000 });
  keepAlive(session, everyMs);
  return { server, session };
}

test('an idle server gets a request, and any answer is accepted', async () => {
  const { server, session } = await idleSession();
  server.onRequest = ({ id }) => server.status(id, 3, 'denied');
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(server.requests).toHaveLength(360);
  expect(await session.close()).toBeUndefined();
});

test('an idle server that does not answer is given up after the stall timeout', async () => {
  const { server, session } = await idleSession();
  let reason: unknown;
  void session.closed.then((closed) => {
    reason = closed;
  });
  await vi.advanceTimersByTimeAsync(39_900);
  expect(reason).toBeUndefined();
  await vi.advanceTimersByTimeAsync(200);
  expect(reason).toMatchObject({ code: 'connection-stalled' });
  expect(server.requests).toHaveLength(1);
});

test('a busy server gets no request, and there is none after the session has ended', async () => {
  const { server, session } = await idleSession();
  const fsync = session.fsync(Buffer.of(1), 0);
  await vi.advanceTimersByTimeAsync(59_000);
  expect(server.requests).toHaveLength(1);
  server.status(1);
  await fsync;
  await session.close();
  expect(vi.getTimerCount()).toBe(0);
});

test('with an interval of 0 there are no requests', async () => {
  const { server } = await idleSession(0);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(server.requests).toHaveLength(0);
});
