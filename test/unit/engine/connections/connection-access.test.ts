import { expect, onTestFinished, test, vi } from 'vitest';
import { ConnectionAccess } from '../../../../src/engine/connections/connection-access.ts';
import { CopyError } from '../../../../src/errors.ts';
import type { RemoteConnection } from '../../../../src/remotes/remote.ts';
import { deferred } from '../../../../src/util/deferred.ts';

const RETRY_FOR_MS = 5000;

/** `open`: connections that are open, of which those above 2 are in another thread. */
function scene(open: number[]) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const dropped: number[] = [];
  const over = new AbortController();
  const remotes = new Map([1, 2].map((connection) => [connection, { connection } as unknown as RemoteConnection]));
  const pool = {
    open,
    isOpen: (connection: number) => open.includes(connection),
    drop: (connection: number) => {
      dropped.push(connection);
      open.splice(open.indexOf(connection), 1);
    },
    onProgress: () => {},
  };
  const connection = (id: number): RemoteConnection | undefined => (open.includes(id) ? remotes.get(id) : undefined);
  const access = new ConnectionAccess({ pool, connection, retryForMs: RETRY_FOR_MS, signal: over.signal });
  const opened = (id: number): void => {
    open.push(id);
    access.onConnectionOpened();
  };
  return { access, dropped, over, opened };
}

const lost = (): CopyError => new CopyError('connection-lost', 'It is gone.');

test('connections of this thread take turns, unless one is preferred', async () => {
  const { access } = scene([1, 2, 3]);
  const used = async (prefer?: number): Promise<number> =>
    access.withConnection(async (connection) => connection, prefer === undefined ? {} : { prefer });
  expect([await used(), await used(), await used()]).toEqual([1, 2, 1]);
  expect([await used(1), await used(1)]).toEqual([1, 1]);
  expect(await used(3), 'it is in another thread').toBe(2);
});

test('what fails with its connection is done on another, and the connection is hung up', async () => {
  const { access, dropped } = scene([1, 2]);
  const done = access.withConnection(async (connection) => {
    if (connection === 1) throw lost();
    return connection;
  });
  await vi.advanceTimersByTimeAsync(1000);
  expect(await done).toBe(2);
  expect(dropped).toEqual([1]);
});

test('any other failure is the result', async () => {
  const { access, dropped } = scene([1, 2]);
  let calls = 0;
  const refused = new CopyError('destination-refused', 'No.');
  const failing = access.withConnection(async () => {
    calls++;
    throw refused;
  });
  await expect(failing).rejects.toBe(refused);
  expect([calls, dropped]).toEqual([1, []]);
});

test('waits for a connection, and ends when the run is over', async () => {
  const { access, opened, over } = scene([]);
  const done = access.withConnection(async (connection) => connection);
  opened(2);
  expect(await done).toBe(2);
  const other = scene([]);
  const waiting = other.access.withConnection(async (connection) => connection);
  const cause = new CopyError('cancelled', 'Stopped.');
  other.over.abort(cause);
  await expect(waiting).rejects.toBe(cause);
  await expect(other.access.withConnection(async () => 1)).rejects.toBe(cause);
  expect(over.signal.aborted).toBe(false);
});

test('gives up after the time to retry, however many attempts that takes', async () => {
  const { access, opened } = scene([1]);
  let calls = 0;
  const failing = access.withConnection(async () => {
    calls++;
    setTimeout(() => opened(1), 0);
    throw lost();
  });
  const outcome = failing.catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(RETRY_FOR_MS - 1000);
  const soFar = calls;
  expect(soFar).toBeGreaterThan(3);
  await vi.advanceTimersByTimeAsync(3000);
  expect(await outcome).toMatchObject({ code: 'connection-lost' });
  expect(calls).toBeGreaterThan(soFar);
});

test('as long as the run makes progress, an operation that fails is not given up', async () => {
  const { access, opened } = scene([1]);
  let isDone = false;
  const failing = access.withConnection(async () => {
    setTimeout(() => opened(1), 0);
    throw lost();
  });
  const outcome = failing
    .catch((error: unknown) => error)
    .finally(() => {
      isDone = true;
    });
  for (let part = 0; part < 4; part++) {
    await vi.advanceTimersByTimeAsync(RETRY_FOR_MS / 2);
    access.onProgress();
  }
  expect(isDone).toBe(false);
  await vi.advanceTimersByTimeAsync(RETRY_FOR_MS + 3000);
  expect(await outcome).toMatchObject({ code: 'connection-lost' });
});

test('what may make the server hang up is tried on some connections only', async () => {
  const { access, dropped } = scene([1, 2]);
  const failing = access.withConnection(() => Promise.reject(lost()), { attempts: 2 });
  const outcome = failing.catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(1000);
  expect(await outcome).toMatchObject({ code: 'connection-lost' });
  expect(dropped).toEqual([1, 2]);
});

test('what only serves to tell more fails silently, and takes no longer than it may', async () => {
  const { access, over } = scene([1]);
  expect(await access.withAnyOpen(() => Promise.reject(lost()), 100)).toBeUndefined();
  const late = access.withAnyOpen(() => new Promise(() => {}), 100);
  await vi.advanceTimersByTimeAsync(100);
  expect(await late).toBeUndefined();
  over.abort(new CopyError('cancelled', 'Stopped.'));
  expect(await access.withAnyOpen(async () => 'told', 100), 'also when the run is over').toBe('told');
  expect(await scene([3]).access.withAnyOpen(async () => 'told', 100)).toBeUndefined();
});

test('an operation of several steps is repeated by the same policy, as long as it is wanted', async () => {
  const { access, dropped } = scene([1]);
  const state = { calls: 0, isWanted: true };
  const work = async (): Promise<string> => {
    if (++state.calls < 3) throw lost();
    return 'done';
  };
  const done = access.repeat(work);
  await vi.advanceTimersByTimeAsync(2000);
  expect(await done).toBe('done');
  expect([state.calls, dropped]).toEqual([3, []]);
  state.calls = 0;
  const given = access.repeat(work, () => state.isWanted).catch((error: unknown) => error);
  state.isWanted = false;
  await vi.advanceTimersByTimeAsync(2000);
  expect(await given).toMatchObject({ code: 'connection-lost' });
  expect(state.calls).toBe(1);
});

test('what was repeated in vain is not repeated again', async () => {
  const { access, opened } = scene([1]);
  let operations = 0;
  const failing = access.repeat(() => {
    operations++;
    return access.withConnection(async () => {
      setTimeout(() => opened(1), 0);
      throw lost();
    });
  });
  const outcome = failing.catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(3 * RETRY_FOR_MS);
  expect(await outcome).toMatchObject({ code: 'connection-lost' });
  expect(operations).toBe(1);
});

test('an operation looks at one connection or two, however many there are', async () => {
  const open = Array.from({ length: 1024 }, (_, index) => index + 1);
  const isHere = (connection: number): boolean => connection % 3 > 0;
  let looks = 0;
  const pool = { open, isOpen: () => true, drop: () => {}, onProgress: () => {} };
  const connection = (id: number): RemoteConnection | undefined => {
    looks++;
    return isHere(id) ? ({} as RemoteConnection) : undefined;
  };
  const { signal } = new AbortController();
  const access = new ConnectionAccess({ pool, connection, retryForMs: RETRY_FOR_MS, signal });
  const used = new Set<number>();
  const operations = 1000;
  for (let operation = 0; operation < operations; operation++) {
    await access.withConnection(async (id) => used.add(id), operation % 2 === 0 ? { prefer: 7 } : {});
  }
  expect(used.size, 'in turn').toBeGreaterThan(400);
  // One more for the connection itself.
  expect(looks / operations).toBeLessThan(3);
});

test('whether something is being performed is known until it has ended', async () => {
  const { access } = scene([1]);
  const answer = deferred<void>();
  const done = access.withConnection(() => answer.promise);
  await vi.advanceTimersByTimeAsync(0);
  expect(access.isPerforming).toBe(true);
  answer.reject(new CopyError('destination-refused', 'No.'));
  await expect(done).rejects.toMatchObject({ code: 'destination-refused' });
  expect(access.isPerforming).toBe(false);
});
