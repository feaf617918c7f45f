/** What holds of receiving alone. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { waitFor } from '../../../support/wait-for.ts';
import { FROM, type Harness, lostError, SIZE, SLICE, type StartHarness } from './piece-runner-harness.ts';

const closeFile = (connection: number, from: Uint8Array = FROM) =>
  ({ kind: 'close-file', job: connection, connection, from }) as const;

async function received(harness: Harness, offset: number, length: number): Promise<void> {
  const there = await harness.arrived('receive');
  const end = offset + length;
  expect(there.subarray(offset, end).equals(harness.source.subarray(offset, end))).toBe(true);
}

export function receiveCompliance(start: StartHarness): void {
  test('answers that are shorter than what was asked for are put together', async () => {
    const harness = await start({ answerLength: 5000 });
    await harness.open(1);
    harness.receive(1, 1, { offset: 777, length: 5 * SLICE });
    expect(await harness.next('ended')).toEqual({ kind: 'ended', task: 1 });
    expect(harness.acknowledged(1)).toBe(5 * SLICE);
    await received(harness, 777, 5 * SLICE);
  });

  test('hashes the pieces that a task receives as a whole, and tells before it tells that they have arrived', async () => {
    const harness = await start();
    await harness.open(1);
    const pieceSize = 4 * SLICE;
    const range = { offset: pieceSize / 2, length: 2 * pieceSize };
    harness.receive(7, 1, range, harness.sink, { algorithm: 'sha256', pieceSize, fileSize: SIZE });
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
    await received(harness, range.offset, range.length);
  });

  test('what comes over many connections comes together in the file', async () => {
    const harness = await start();
    await harness.open(1, 2, 3, 4);
    for (const n of [1, 2, 3, 4]) harness.receive(n, n, { offset: ((n - 1) * SIZE) / 4, length: SIZE / 4 });
    await harness.next('ended', 4);
    await received(harness, 0, SIZE);
    expect((await harness.arrived('receive')).length).toBe(SIZE);
  });

  test('a file that ends before its size is the failure of the task, what came is acknowledged', async () => {
    const harness = await start({ endAt: SIZE / 2 + 10_000 });
    await harness.open(1);
    harness.receive(1, 1, { offset: SIZE / 2 - SLICE, length: SIZE / 2 });
    expect((await harness.next('ended')).error).toMatchObject({ code: 'source-changed', exitCode: 10 });
    expect(harness.acknowledged(1)).toBe(SLICE + 10_000);
    expect(harness.counters.inFlight(1)).toBe(0);
    expect(await harness.under.open()).toEqual([1]);
  });

  test('a local file that cannot be written is the failure of the task, not of the connection', async () => {
    const harness = await start();
    await harness.open(1);
    harness.receive(1, 1, { offset: 0, length: SIZE }, harness.fd);
    expect((await harness.next('ended')).error).toMatchObject({ code: 'local-io', exitCode: 11 });
    expect(harness.acknowledged(1)).toBe(0);
    expect(harness.counters.inFlight(1)).toBe(0);
    harness.receive(2, 1, { offset: 0, length: SLICE });
    expect(await harness.next('ended', 2)).toEqual({ kind: 'ended', task: 2 });
    await received(harness, 0, SLICE);
  });

  test.each([
    ['source-missing', '/home/nothing'],
    ['source-unsupported', '/home'],
  ])('%s is the failure of the task', async (code, path) => {
    const harness = await start();
    await harness.open(1);
    const [from, range] = [Buffer.from(path), { offset: 0, length: SLICE }];
    harness.post({ kind: 'receive', task: 1, connection: 1, fd: harness.sink, from, range });
    expect((await harness.next('ended')).error).toMatchObject({ code, exitCode: 3 });
    expect(harness.of('taken')).toEqual([]);
  });

  test('a connection that may not read fails its tasks, and no other', async () => {
    const harness = await start({ refuseRead: [2] });
    await harness.open(1, 2);
    harness.receive(1, 1, { offset: 0, length: SLICE });
    harness.receive(2, 2, { offset: SLICE, length: SLICE });
    await harness.next('ended', 2);
    const errorOf = (task: number) => harness.of('ended').find((report) => report.task === task)!.error?.code;
    expect([errorOf(1), errorOf(2)]).toEqual([undefined, 'source-unreadable']);
  });

  test('a file is opened once a connection, stays open from task to task, and is closed when told', async () => {
    const harness = await start();
    await harness.open(1, 2);
    for (const n of [0, 1, 2, 3]) harness.receive(n, 1 + (n % 2), { offset: n * SLICE, length: SLICE });
    await harness.next('ended', 4);
    expect(await harness.under.readers()).toBe(2);
    harness.post(closeFile(1));
    expect(await harness.next('file-closed')).toEqual(closed(1));
    expect(await harness.under.readers()).toBe(1);
    harness.post(closeFile(1));
    expect(await harness.next('file-closed', 2), 'it is not open').toEqual(closed(1));
    harness.receive(4, 1, { offset: 4 * SLICE, length: SLICE });
    expect(await harness.next('ended', 5)).toEqual({ kind: 'ended', task: 4 });
    expect(await harness.under.readers()).toBe(2);
    await received(harness, 0, 5 * SLICE);
  });

  test('tells what the closing of a file revealed', async () => {
    const harness = await start({ failClose: [1] });
    await harness.open(1);
    harness.receive(1, 1, { offset: 0, length: SLICE });
    await harness.next('ended');
    harness.post(closeFile(1));
    const error = expect.objectContaining({ code: 'no-space' });
    expect(await harness.next('file-closed')).toEqual({ ...closed(1), error });
  });

  test('files are closed with their connection, and opened anew on the next', async () => {
    const harness = await start();
    await harness.open(1);
    harness.receive(1, 1, { offset: 0, length: SLICE });
    await harness.next('ended');
    await harness.under.lose(1);
    await harness.next('lost');
    expect(await harness.under.readers()).toBe(0);
    harness.post(closeFile(1));
    expect(await harness.next('file-closed')).toEqual(closed(1));
    await harness.open(1);
    harness.receive(2, 1, { offset: SLICE, length: SLICE });
    expect(await harness.next('ended', 2)).toEqual({ kind: 'ended', task: 2 });
    expect(await harness.under.readers()).toBe(1);
  });

  test('tasks on a lost connection end before the loss is told, with what was written by then', async () => {
    const harness = await start({ holdAcknowledgements: true });
    await harness.open(1, 2);
    for (const task of [1, 2]) harness.receive(task, 1, { offset: task * SLICE, length: SLICE });
    harness.receive(3, 2, { offset: 0, length: SLICE });
    await waitFor(() => harness.counters.inFlight(1) === 2 * SLICE, { what: 'two slices in flight', pollMs: 2 });
    await harness.under.lose(1);
    await harness.next('lost');
    const failed = [1, 2].map((task) => ({ kind: 'ended', task, error: lostError }));
    expect(harness.of('ended')).toEqual(failed);
    await harness.under.release();
    await harness.next('ended', 3);
    expect(harness.acknowledged(3)).toBe(SLICE);
  });
}

/** Paths come back as plain bytes. */
function closed(connection: number): object {
  return { kind: 'file-closed', job: connection, connection, from: Uint8Array.from(FROM) };
}
