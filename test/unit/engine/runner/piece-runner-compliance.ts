/** What every piece runner must do, whatever thread its connections live on. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { CopyError } from '../../../../src/errors.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { carryCompliance } from './carry-compliance.ts';
import {
  FROM,
  lostError,
  type MakeRunner,
  SIZE,
  SLICE,
  type StartHarness,
  startHarness,
} from './piece-runner-harness.ts';
import { receiveCompliance } from './receive-compliance.ts';

export function pieceRunnerCompliance(name: string, make: MakeRunner): void {
  const start: StartHarness = (faults) => startHarness(make, faults);

  describe(`${name} as a piece runner`, () => {
    test('opens a connection, tells what it is, and is silent about it until told otherwise', async () => {
      const harness = await start();
      await harness.open(1);
      expect(harness.reports).toEqual([
        { kind: 'admitted', connection: 1 },
        expect.objectContaining({ kind: 'opened', connection: 1, description: expect.any(String) }),
      ]);
      expect(harness.of('opened')[0]!.abilities.writers).toBe('many');
    });

    test('tells why a connection could not be opened, and opens the same number later', async () => {
      const error = new CopyError('connection-refused', 'Full.').toData();
      const harness = await start({ failConnect: { 3: [error] } });
      harness.post({ kind: 'open', connection: 3 });
      expect((await harness.next('open-failed')).error).toEqual(error);
      await harness.open(3);
      expect(await harness.under.open()).toEqual([3]);
    });

    test('reports an open connection that is cut as lost, once, with the reason', async () => {
      const harness = await start();
      await harness.open(1, 2);
      await harness.under.lose(2);
      expect(await harness.next('lost')).toEqual({ kind: 'lost', connection: 2, error: lostError });
      await harness.open(2);
      expect(harness.of('lost')).toHaveLength(1);
    });

    test('reports a connection that was closed as told as lost, without an error', async () => {
      const harness = await start();
      await harness.open(1);
      harness.post({ kind: 'close', connection: 1 });
      expect(await harness.next('lost')).toEqual({ kind: 'lost', connection: 1 });
      expect(await harness.under.open()).toEqual([]);
    });

    test('stops dialling when told to close', async () => {
      const harness = await start({ hangConnect: [1] });
      harness.post({ kind: 'open', connection: 1 });
      harness.post({ kind: 'close', connection: 1 });
      const { error } = await harness.next('open-failed');
      expect(error.code).toBe('cancelled');
      expect(harness.of('opened')).toEqual([]);
      expect(await harness.under.open()).toEqual([]);
    });

    // However far the dialling has come, the close wins.
    test.each([0, 1, 2, 3, 4, 5, 6])('closing %i turns after the dialling began leaves nothing open', async (turns) => {
      const harness = await start();
      harness.post({ kind: 'open', connection: 1 });
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      harness.post({ kind: 'close', connection: 1 });
      await waitFor(() => harness.of('lost').length + harness.of('open-failed').length > 0, { what: 'the end' });
      expect(await harness.under.open()).toEqual([]);
    });

    test('a task whose connection may not join ends as failed', async () => {
      const harness = await start({ refuseJoin: [2] });
      await harness.open(1, 2);
      harness.send(1, 2, { offset: 0, length: SLICE });
      harness.send(2, 1, { offset: 0, length: SLICE });
      await harness.next('ended', 2);
      const errorOf = (task: number) => harness.of('ended').find((report) => report.task === task)!.error?.code;
      expect([errorOf(1), errorOf(2)]).toEqual(['single-writer', undefined]);
    });

    test('asks whether the server answers on a connection', async () => {
      const harness = await start();
      await harness.open(1, 2);
      harness.post({ kind: 'ask', connection: 1 });
      expect(await harness.next('answered')).toEqual({ kind: 'answered', connection: 1 });
      await harness.under.lose(2);
      await harness.next('lost');
      harness.post({ kind: 'ask', connection: 2 });
      expect(await harness.next('answered', 2)).toEqual({ kind: 'answered', connection: 2, error: lostError });
    });

    test('hashes the pieces that a task sends as a whole, and tells before it tells of their acknowledgement', async () => {
      const harness = await start();
      await harness.open(1);
      const pieceSize = 4 * SLICE;
      const range = { offset: pieceSize / 2, length: 2 * pieceSize };
      harness.send(7, 1, range, { algorithm: 'sha256', pieceSize, fileSize: SIZE });
      await harness.next('ended');
      const piece = { offset: pieceSize, length: pieceSize };
      const digest = createHash('sha256')
        .update(harness.source.subarray(pieceSize, 2 * pieceSize))
        .digest();
      const [hashed, ...others] = harness.of('hashed');
      expect(others).toEqual([]);
      expect(hashed).toMatchObject({ task: 7, algorithm: 'sha256', pieces: [{ piece }] });
      expect(Buffer.from(hashed!.pieces[0]!.digest).equals(digest)).toBe(true);
      const hasLast = harness.reports.findIndex(
        (report) =>
          report.kind === 'progress' &&
          report.acknowledged.some((part) => part.offset + part.length >= piece.offset + piece.length),
      );
      expect(harness.reports.indexOf(hashed!)).toBeLessThan(hasLast);
    });

    test('leaves a staged file, and tells what the closing revealed', async () => {
      const harness = await start({ failClose: [2] });
      await harness.open(1, 2, 3);
      harness.send(1, 1, { offset: 0, length: SLICE });
      harness.send(2, 2, { offset: SLICE, length: SLICE });
      await harness.next('ended', 2);
      const of = harness.under.token;
      for (const connection of [1, 2, 3]) harness.post({ kind: 'leave', job: 7, connection, of });
      await harness.next('left', 3);
      const left = harness.of('left').sort((a, b) => a.connection - b.connection);
      expect(left).toEqual([
        { kind: 'left', job: 7, connection: 1, of },
        { kind: 'left', job: 7, connection: 2, of, error: expect.objectContaining({ code: 'no-space' }) },
        // It never had it open.
        { kind: 'left', job: 7, connection: 3, of },
      ]);
    });

    test('probes through two connections', async () => {
      const harness = await start();
      await harness.open(1, 2);
      const { fd } = harness;
      const probe = { kind: 'probe-writers', job: 7, connection: 1, fd, of: harness.under.token, size: SIZE } as const;
      harness.post({ ...probe, task: 1, second: 2, firstOffset: 0, secondOffset: SIZE - SLICE });
      const { job, result } = await harness.next('probed');
      expect(job).toBe(7);
      expect(result?.writers).toBe('many');
      const there = await harness.under.contents();
      for (const { offset, length } of result!.written!) {
        const end = offset + length;
        expect(there.subarray(offset, end).equals(harness.source.subarray(offset, end))).toBe(true);
      }
      expect(result!.written!.map(({ offset }) => offset)).toEqual([0, SIZE - SLICE]);
      harness.post({ ...probe, task: 2, second: 9, firstOffset: 0, secondOffset: SIZE - SLICE });
      expect((await harness.next('probed', 2)).error).toEqual(lostError);
    });

    test('nobody is called back in the middle of a command', async () => {
      const harness = await start();
      await harness.open(1);
      harness.send(1, 1, { offset: 0, length: SLICE });
      harness.post({ kind: 'shorten', task: 1, length: 0 });
      harness.send(2, 9, { offset: 0, length: SLICE });
      harness.receive(3, 1, { offset: 0, length: SLICE });
      harness.receive(4, 9, { offset: 0, length: SLICE });
      harness.post({ kind: 'close-file', job: 7, connection: 9, from: FROM });
      harness.post({ kind: 'leave', job: 7, connection: 9, of: harness.under.token });
      harness.post({ kind: 'close', connection: 1 });
      harness.post({ kind: 'close', connection: 9 });
      await harness.next('lost');
      expect(harness.reportedInsidePost).toBe(false);
    });

    carryCompliance(start);
    receiveCompliance(start);
  });
}
