/** What holds of tasks in either direction. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { startRateLimiter } from '../../../../src/engine/runner/rate-limiter.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { lostError, SIZE, SLICE, type StartHarness } from './piece-runner-harness.ts';

export function carryCompliance(start: StartHarness): void {
  describe.each(['send', 'receive'] as const)('asked to %s', (direction) => {
    test('carries a range: parts are acknowledged, then taken, then ended', async () => {
      const harness = await start();
      await harness.open(1);
      const range = { offset: 5000, length: 300_000 };
      harness.carry(direction, 7, 1, range);
      const ended = await harness.next('ended');
      expect(ended).toEqual({ kind: 'ended', task: 7 });
      expect(harness.acknowledged(7)).toBe(range.length);
      expect(harness.of('taken')).toEqual([{ kind: 'taken', task: 7 }]);
      expect(harness.kindsOf(7).at(-1)).toBe('ended');
      expect(harness.counters.acknowledged(1)).toBe(range.length);
      expect(harness.counters.inFlight(1)).toBe(0);
      const there = await harness.arrived(direction);
      expect(there.subarray(5000, 305_000).equals(harness.source.subarray(5000, 305_000))).toBe(true);
      expect(there.subarray(0, 5000).equals(Buffer.alloc(5000)), 'nothing beside the range').toBe(true);
    });

    test('tells that a task is taken while its acknowledgements are still under way', async () => {
      const harness = await start({ holdAcknowledgements: true, depth: 64 });
      await harness.open(1);
      harness.carry(direction, 1, 1, { offset: 0, length: 3 * SLICE });
      await harness.next('taken');
      expect(harness.of('ended')).toEqual([]);
      expect(harness.acknowledged(1)).toBe(0);
      expect(harness.counters.inFlight(1)).toBe(3 * SLICE);
      harness.carry(direction, 2, 1, { offset: 3 * SLICE, length: SLICE });
      await harness.next('taken', 2);
      await harness.under.release();
      await harness.next('ended', 2);
      expect(harness.acknowledged(1) + harness.acknowledged(2)).toBe(4 * SLICE);
    });

    test('keeps what was taken when a task is cut, and tells how much that is', async () => {
      const harness = await start({ holdAcknowledgements: true, depth: 2 });
      await harness.open(1);
      harness.carry(direction, 1, 1, { offset: SLICE, length: 10 * SLICE });
      await waitFor(() => harness.counters.inFlight(1) === 2 * SLICE, { what: 'two slices in flight' });
      harness.post({ kind: 'shorten', task: 1, length: 5 * SLICE });
      expect((await harness.next('shortened')).length).toBe(5 * SLICE);
      harness.post({ kind: 'shorten', task: 1, length: 0 });
      expect((await harness.next('shortened', 2)).length).toBe(2 * SLICE);
      await harness.next('taken');
      await harness.under.release();
      expect(await harness.next('ended')).toEqual({ kind: 'ended', task: 1 });
      expect(harness.acknowledged(1)).toBe(2 * SLICE);
      expect(harness.of('taken')).toHaveLength(1);
      expect(harness.counters.acknowledged(1)).toBe(2 * SLICE);
    });

    test('a task cannot be made longer', async () => {
      const harness = await start({ holdAcknowledgements: true, depth: 1 });
      await harness.open(1);
      harness.carry(direction, 1, 1, { offset: 0, length: 3 * SLICE });
      harness.post({ kind: 'shorten', task: 1, length: 99 * SLICE });
      expect((await harness.next('shortened')).length).toBe(3 * SLICE);
    });

    test('a task cut to nothing before it took anything ends well, with nothing acknowledged', async () => {
      const harness = await start();
      await harness.open(1);
      harness.counters.limit();
      harness.carry(direction, 1, 1, { offset: 0, length: 4 * SLICE });
      harness.post({ kind: 'shorten', task: 1, length: 0 });
      expect((await harness.next('shortened')).length).toBe(0);
      expect(await harness.next('ended')).toEqual({ kind: 'ended', task: 1 });
      expect(harness.acknowledged(1)).toBe(0);
      expect((await harness.arrived(direction)).length).toBe(0);
    });

    test('a cut that comes when all is taken changes nothing', async () => {
      const harness = await start({ holdAcknowledgements: true, depth: 8 });
      await harness.open(1);
      harness.carry(direction, 1, 1, { offset: 0, length: 4 * SLICE });
      await harness.next('taken');
      harness.post({ kind: 'shorten', task: 1, length: SLICE });
      expect((await harness.next('shortened')).length).toBe(4 * SLICE);
      await harness.under.release();
      await harness.next('ended');
      expect(harness.acknowledged(1)).toBe(4 * SLICE);
    });

    test('a cut that comes after the last word is not answered', async () => {
      const harness = await start();
      await harness.open(1);
      harness.carry(direction, 1, 1, { offset: 0, length: SLICE });
      await harness.next('ended');
      harness.post({ kind: 'shorten', task: 1, length: 0 });
      harness.carry(direction, 2, 1, { offset: SLICE, length: SLICE });
      await harness.next('ended', 2);
      expect(harness.of('shortened')).toEqual([]);
    });

    test('a task on a lost connection ends as failed before the loss is told, what came through is acknowledged', async () => {
      const harness = await start({ loseAfter: { 1: [5 * SLICE] } });
      await harness.open(1);
      harness.carry(direction, 1, 1, { offset: 0, length: SIZE });
      await harness.next('lost');
      expect(harness.of('ended')).toEqual([{ kind: 'ended', task: 1, error: lostError }]);
      expect(harness.reports.at(-1)!.kind).toBe('lost');
      expect(harness.acknowledged(1)).toBe(5 * SLICE);
      expect(harness.counters.inFlight(1)).toBe(0);
    });

    test('a task on a connection that is not open fails at once', async () => {
      const harness = await start();
      harness.carry(direction, 1, 9, { offset: 0, length: SLICE });
      expect((await harness.next('ended')).error).toEqual(lostError);
    });

    test('a source that ends too early is the failure of the task, not of the connection', async () => {
      const harness = await start();
      await harness.open(1);
      harness.carry(direction, 1, 1, { offset: SIZE - SLICE, length: 2 * SLICE });
      expect((await harness.next('ended')).error?.code).toBe('source-changed');
      expect(await harness.under.open()).toEqual([1]);
      expect(harness.acknowledged(1)).toBe(SLICE);
    });

    test('nothing is counted as in flight of a task that failed on a connection that goes on', async () => {
      const harness = await start({ holdAcknowledgements: true, depth: 3 });
      await harness.open(1);
      // The last of three slices is beyond the end of the source.
      harness.carry(direction, 1, 1, { offset: SIZE - 2 * SLICE, length: 3 * SLICE });
      await waitFor(() => harness.counters.inFlight(1) === 3 * SLICE, { what: 'three slices in flight', pollMs: 2 });
      await harness.under.release();
      expect((await harness.next('ended')).error?.code).toBe('source-changed');
      expect(harness.counters.inFlight(1)).toBe(0);
      harness.carry(direction, 2, 1, { offset: 0, length: SLICE });
      await harness.next('ended', 2);
      expect(harness.counters.inFlight(1)).toBe(0);
    });

    test('all connections together keep to the rate limit', async () => {
      const harness = await start();
      await harness.open(1, 2);
      harness.counters.limit();
      harness.carry(direction, 1, 1, { offset: 0, length: 4 * SLICE });
      harness.carry(direction, 2, 2, { offset: 4 * SLICE, length: 4 * SLICE });
      const carried = (): number => harness.counters.acknowledged(1) + harness.counters.acknowledged(2);
      for (let allowed = 1; allowed <= 8; allowed++) {
        harness.counters.allow(SLICE, SLICE);
        await waitFor(() => carried() === allowed * SLICE, { what: `${allowed} slices` });
      }
      await harness.next('ended', 2);
      expect(carried()).toBe(8 * SLICE);
    });

    test('the rate limiter itself lets a limited task come to its end', async () => {
      const harness = await start();
      await harness.open(1);
      onTestFinished(startRateLimiter(harness.counters, 4 * SIZE));
      const began = performance.now();
      harness.carry(direction, 1, 1, { offset: 0, length: SIZE });
      await harness.next('ended');
      expect(harness.acknowledged(1)).toBe(SIZE);
      // A tenth of a second may have been saved up, and one slice overdrawn.
      expect(performance.now() - began).toBeGreaterThan(100);
    });

    test('a task that the rate limit holds back ends with its connection, not with the debt', async () => {
      const harness = await start();
      await harness.open(1);
      harness.counters.limit();
      harness.counters.allow(1, 1);
      harness.carry(direction, 1, 1, { offset: 0, length: SIZE });
      await waitFor(() => harness.counters.acknowledged(1) === SLICE, { what: 'the one slice that is allowed' });
      // Nothing more is ever allowed: only the loss can end it.
      await harness.under.lose(1);
      await harness.next('lost');
      expect(harness.of('ended')).toEqual([{ kind: 'ended', task: 1, error: lostError }]);
    });

    test('end() closes what is open, stops what is dialled, ends what is under way', async () => {
      const harness = await start({ holdAcknowledgements: true, hangConnect: [2] });
      await harness.open(1);
      harness.post({ kind: 'open', connection: 2 });
      harness.carry(direction, 1, 1, { offset: 0, length: SIZE });
      await harness.under.runner.end();
      expect(await harness.under.open()).toEqual([]);
      await harness.next('open-failed');
      expect((await harness.next('ended')).error).toEqual(lostError);
      expect(await harness.next('lost')).toEqual({ kind: 'lost', connection: 1 });
    });
  });
}
