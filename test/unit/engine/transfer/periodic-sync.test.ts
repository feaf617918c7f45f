import { expect, onTestFinished, test, vi } from 'vitest';
import { ServerContinuity } from '../../../../src/engine/connections/server-continuity.ts';
import { Scheduler } from '../../../../src/engine/schedule/scheduler.ts';
import { JobLedger } from '../../../../src/engine/transfer/job-ledger.ts';
import { PeriodicSync, type SyncPoint } from '../../../../src/engine/transfer/periodic-sync.ts';
import { CopyError } from '../../../../src/errors.ts';
import type { Abilities } from '../../../../src/remotes/remote.ts';

/** A file of which everything is acknowledged, on a server that syncs when it is told to. */
function scene(sync: () => Promise<boolean> = async () => true, durable: Abilities['durable'] = 'synced') {
  const scheduler = new Scheduler(() => 0);
  const continuity = new ServerContinuity();
  continuity.onOpened(1);
  scheduler.addFile(1, 1000, 65536);
  scheduler.ledger(1)!.acknowledge({ offset: 0, length: 1000 });
  let asked = 0;
  const pointOn = (connection: number): SyncPoint => ({
    connection,
    durable,
    isHeld: () => true,
    staged: async () => ({
      look: async () => ({ kind: 'file', size: 1000 }),
      sync: () => {
        asked++;
        return sync();
      },
    }),
  });
  const failures: CopyError[] = [];
  const ledger = new JobLedger(scheduler, 1, () => {});
  let synced = 0;
  const onSynced = (): void => {
    synced++;
  };
  const onFailed = (error: CopyError): void => {
    failures.push(error);
  };
  const periodic = new PeriodicSync({ ledger, continuity }, { onFailed, onSynced });
  const start = performance.now();
  periodic.restart();
  /** Lets some time pass in thought; resolves when what was begun by then is done. */
  const at = async (ms: number, connection = 1): Promise<number> => {
    periodic.ifDue(start + ms, pointOn(connection));
    await new Promise((resolve) => setImmediate(resolve));
    return asked;
  };
  return { scheduler, continuity, periodic, failures, at, pointOn, synced: () => synced };
}

test('half a second after the first acknowledgement what is at risk is synced and told of, and then it is not', async () => {
  const { scheduler, at, synced } = scene();
  expect(await at(3000), 'the first that is heard of an acknowledgement').toBe(0);
  expect(await at(3490)).toBe(0);
  expect(await at(3510)).toBe(1);
  expect(scheduler.ledger(1)!.atRisk.total).toBe(0);
  expect(synced()).toBe(1);
  expect(await at(30_000), 'nothing is left to sync').toBe(1);
});

test('a server that cannot promise anything is not asked', async () => {
  const { at } = scene(async () => false, 'unknown');
  await at(0);
  expect(await at(600)).toBe(0);
  expect(await at(30_000)).toBe(0);
});

test.each([
  ['a quick one', 0, 1000],
  ['one of 100 ms', 100, 2000],
  ['one of a second', 1000, 10_000],
])('after %s the next comes when twenty times as long has passed, but within its bounds', async (_, tookMs, restMs) => {
  let nowMs = performance.now();
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  onTestFinished(() => clock.mockRestore());
  const { scheduler, at } = scene(async () => {
    // The answer to the look comes first.
    for (let step = 0; step < 5; step++) await undefined;
    nowMs += tookMs;
    return true;
  });
  const acknowledge = () => scheduler.ledger(1)!.acknowledge({ offset: 0, length: 1000 });
  await at(0);
  expect(await at(500)).toBe(1);
  acknowledge();
  expect(await at(tookMs + restMs - 10)).toBe(1);
  expect(await at(tookMs + restMs + 10)).toBe(2);
});

test('what is to be kept at the end is synced whenever it was last', async () => {
  const { scheduler, periodic, pointOn, synced } = scene();
  await periodic.last(pointOn(1));
  expect(synced()).toBe(1);
  expect(scheduler.ledger(1)!.atRisk.total).toBe(0);
  await periodic.last(pointOn(1));
  expect(synced(), 'nothing is left').toBe(1);
});

test('where it came too late it is sooner after the next acknowledgement, down to an eighth of a second', async () => {
  const { periodic, at } = scene();
  await at(0);
  periodic.onTooLate();
  await at(300);
  expect(await at(540)).toBe(0);
  expect(await at(560)).toBe(1);
  const again = scene();
  for (let i = 0; i < 20; i++) again.periodic.onTooLate();
  await again.at(0);
  expect(await again.at(110)).toBe(0);
  expect(await again.at(140)).toBe(1);
  again.scheduler.ledger(1)!.acknowledge({ offset: 0, length: 1000 });
  expect(await again.at(200)).toBe(1);
  expect(await again.at(600), 'a quarter of a second after the last').toBe(2);
});

test('only a connection that has seen everything is asked', async () => {
  const { continuity, at } = scene();
  continuity.onOpened(2);
  await at(0, 2);
  expect(await at(11_000, 2)).toBe(0);
  continuity.onAnswered(1);
  expect(await at(11_000, 2)).toBe(1);
});

test('a server that cannot promise, or may have been restarted meanwhile, leaves all at risk', async () => {
  const cannot = scene(async () => false);
  await cannot.at(0);
  await cannot.at(11_000);
  expect(cannot.scheduler.ledger(1)!.atRisk.total).toBe(1000);
  const restarted = scene(async () => {
    restarted.continuity.onLost(1);
    return true;
  });
  await restarted.at(0);
  await restarted.at(11_000);
  expect(restarted.scheduler.ledger(1)!.atRisk.total).toBe(1000);
});

test('after a failure of the disk no later answer is believed, until another file begins', async () => {
  let count = 0;
  const { scheduler, periodic, at, pointOn, synced } = scene(async () => {
    if (count++ === 0) throw new CopyError('destination-refused', 'input/output error');
    return true;
  });
  await at(0);
  await at(11_000);
  await periodic.last(pointOn(1));
  expect(await at(30_000)).toBe(1);
  expect(scheduler.ledger(1)!.atRisk.total).toBe(1000);
  expect([synced(), periodic.seen]).toEqual([0, undefined]);
  periodic.restart();
  await periodic.last(pointOn(1));
  expect(scheduler.ledger(1)!.atRisk.total).toBe(0);
});

test('nor after one that was told while the file was sealed', async () => {
  const { scheduler, periodic, pointOn } = scene();
  periodic.onRefused(new CopyError('no-space', 'It is full.'));
  await periodic.last(pointOn(1));
  expect(scheduler.ledger(1)!.atRisk.total).toBe(1000);
});

test('a disk that fails is the end of the file, a lost connection is not', async () => {
  const lost = scene(() => Promise.reject(new CopyError('connection-lost', 'gone')));
  await lost.at(0);
  await lost.at(11_000);
  expect(lost.failures).toEqual([]);
  const failed = scene(() => Promise.reject(new CopyError('destination-refused', 'input/output error')));
  await failed.at(0);
  await failed.at(11_000);
  expect(failed.failures).toMatchObject([{ code: 'destination-refused' }]);
});

test('a sync that takes very long is no excuse for a silent server any more', async () => {
  const { periodic, at } = scene(() => new Promise(() => {}));
  await at(0);
  expect(await at(600)).toBe(1);
  const now = performance.now();
  expect([0, 5000, 60_000].map((ms) => periodic.keepsServerBusy(now + ms))).toEqual([true, true, false]);
});
