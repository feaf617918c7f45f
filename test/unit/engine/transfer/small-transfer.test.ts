import { expect, test, vi } from 'vitest';
import { Counters } from '../../../../src/engine/runner/counters.ts';
import type { JobServices } from '../../../../src/engine/transfer/direction.ts';
import { transferWhole, WarningsOnce } from '../../../../src/engine/transfer/small-transfer.ts';
import type { RemoteConnection } from '../../../../src/remotes/remote.ts';

function scene() {
  const counters = new Counters();
  const stop = new AbortController();
  const access = {
    withConnection: vi.fn((work: (id: number, remote: RemoteConnection) => Promise<unknown>) =>
      work(3, {} as RemoteConnection),
    ),
    onProgress: vi.fn(),
  };
  const services = { access, counters, signal: stop.signal } as unknown as JobServices;
  return { counters, stop, access, services };
}

test('what is transferred counts, and is progress', async () => {
  const { counters, access, services } = scene();
  const during: number[] = [];
  await transferWhole(services, 100, 7, async () => void during.push(counters.inFlight(3)));
  expect([during, counters.inFlight(3), counters.acknowledged(3)]).toEqual([[100], 0, 100]);
  expect(access.onProgress).toHaveBeenCalledTimes(1);
  expect(access.withConnection).toHaveBeenCalledWith(expect.anything(), { prefer: 7 });
});

test('what fails does not count', async () => {
  const { counters, access, services } = scene();
  await expect(transferWhole(services, 100, undefined, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect([counters.inFlight(3), counters.acknowledged(3)]).toEqual([0, 0]);
  expect(access.onProgress).not.toHaveBeenCalled();
});

test('the rate limit is waited for, also by a file that is longer than it allows at once', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  try {
    const { counters, access, services } = scene();
    counters.limit();
    const transfer = transferWhole(services, 1000, 1, async () => 'done');
    await vi.advanceTimersByTimeAsync(100);
    expect(access.withConnection).not.toHaveBeenCalled();
    counters.allow(10, 10);
    await vi.advanceTimersByTimeAsync(20);
    expect(await transfer).toBe('done');
    expect(counters.tryTake(1)).toBe(false);
  } finally {
    vi.useRealTimers();
  }
});

test('when the run is over, the rate limit is not waited for', async () => {
  const { counters, stop, services } = scene();
  counters.limit();
  stop.abort(new Error('over'));
  await expect(transferWhole(services, 1, 1, async () => 'done')).rejects.toThrow('over');
});

test('a warning is told once, whatever the file is', () => {
  const told: string[] = [];
  const warnings = new WarningsOnce({ notice: (_, message) => void told.push(message) });
  for (const name of ['a', 'b: c', 'd']) warnings.notice('x', `${name}: the times could not be set.`, 'warning');
  warnings.notice('x', 'a: the mode could not be set.', 'warning');
  expect(told).toEqual([
    'a: the times could not be set. The same may hold for other small files.',
    'a: the mode could not be set. The same may hold for other small files.',
  ]);
});
