/** What is read from a remote in memory: its faults are what tests of the engine rely on. */
import { expect, test } from 'vitest';
import { type MemoryFaults, MemoryRemote, stagedName } from '../../support/memory-remote.ts';
import { fillWith, OrderedFill, Sink, slicesOf, sourceBytes } from '../remotes/sftp/staging.ts';

const source = sourceBytes(200_000);
const whole = { offset: 0, length: source.length };
const path = Buffer.from('/home/f');

async function scene(faults: Partial<MemoryFaults> = {}) {
  const remote = new MemoryRemote(faults);
  remote.put('/home/f', source);
  const connection = await remote.connect(1, new AbortController().signal);
  const staged = await connection.stage(path, 'new');
  remote.put(stagedName('/home/f'), source);
  return { remote, connection, staged, sink: new Sink(source.length) };
}

test('a file is read whole, in answers of any length, until it is closed', async () => {
  const { remote, connection, sink } = await scene({ answerLength: 777 });
  const file = await connection.open(path);
  expect(await file.attributes).toMatchObject({ kind: 'file', size: source.length });
  await file.read(slicesOf(whole), sink.drain);
  expect(sink.bytes.equals(source)).toBe(true);
  expect(remote.readers).toBe(1);
  await file.close();
  expect(remote.readers).toBe(0);
  await expect(file.read(slicesOf(whole), sink.drain)).rejects.toMatchObject({ code: 'bug' });
});

test('what is staged is read back', async () => {
  const { staged, sink } = await scene();
  await staged.readBack(slicesOf(whole), sink.drain);
  expect(sink.bytes.equals(source)).toBe(true);
});

test('the source is read in order, one part at a time', async () => {
  const { staged } = await scene({ depth: 4 });
  const ordered = new OrderedFill(source);
  await staged.write(slicesOf(whole), ordered.fill, () => {});
  expect(ordered.offsets.length).toBeGreaterThan(1);
  expect(ordered.offsets).toEqual(ordered.offsets.toSorted((a, b) => a - b));
  expect(ordered.mostAtOnce).toBe(1);
});

test('an early end is a change of a source, and the loss of what was staged', async () => {
  const { connection, staged, sink } = await scene({ endAt: 100_000 });
  const file = await connection.open(path);
  await expect(file.read(slicesOf(whole), sink.drain)).rejects.toMatchObject({ code: 'source-changed' });
  expect(sink.total).toBe(100_000);
  await expect(staged.readBack(slicesOf(whole), async () => {})).rejects.toMatchObject({ code: 'integrity' });
});

test('a connection is lost after what it has received', async () => {
  const { connection, sink } = await scene({ loseAfter: { 1: [100_000] }, answerLength: 10_000, depth: 1 });
  const file = await connection.open(path);
  await expect(file.read(slicesOf(whole), sink.drain)).rejects.toMatchObject({ code: 'connection-lost' });
  expect(sink.total).toBeGreaterThan(90_000);
  expect(sink.total).toBeLessThanOrEqual(100_000);
});

test('a connection that may not read may write', async () => {
  const { connection, staged, sink } = await scene({ refuseRead: [1] });
  await expect(connection.open(path)).rejects.toMatchObject({ code: 'source-unreadable' });
  await expect(staged.readBack(slicesOf(whole), sink.drain)).rejects.toMatchObject({ code: 'destination-permission' });
  await staged.write(slicesOf(whole), fillWith(source), () => {});
});
