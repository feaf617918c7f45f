import { expect, test } from 'vitest';
import { StandInSftpServer } from '../../../support/stand-in-sftp-server.ts';
import { fillWith, Sink, slicesOf, sourceBytes } from './staging.ts';

const source = sourceBytes(700_000);
const whole = { offset: 0, length: source.length };
const path = Buffer.from('/home/f');

async function opened(quirks: ConstructorParameters<typeof StandInSftpServer>[0] = {}) {
  const server = new StandInSftpServer(quirks);
  server.put('/home/f', source, { mode: 0o640, mtimeSeconds: 1_700_000_000 });
  const connection = await server.connection();
  return { server, connection, file: await connection.open(path), sink: new Sink(source.length) };
}

test('has the attributes from when it was opened', async () => {
  const { server, file } = await opened();
  server.put('/home/f', 'another one took its name');
  const attributes = { kind: 'file', size: source.length, mode: 0o640, mtimeMs: 1_700_000_000_000, atimeMs: 0 };
  expect(await file.attributes).toEqual(attributes);
});

test('is read completely by several calls at a time', async () => {
  const { server, file, sink } = await opened();
  await Promise.all([
    file.read(slicesOf({ offset: 300_000, length: 400_000 }), sink.drain),
    file.read(slicesOf({ offset: 0, length: 300_000 }), sink.drain),
  ]);
  expect(sink.bytes.equals(source)).toBe(true);
  await file.close();
  await file.close();
  expect(server.openHandles).toBe(0);
  expect(server.asked.filter((type) => type === 'close')).toHaveLength(1);
});

test.each([1000, 32_703])('a server that gives %i bytes at most is asked for the rest', async (longestRead) => {
  const { file, sink } = await opened({ longestRead });
  await file.read(slicesOf(whole), sink.drain);
  expect(sink.bytes.equals(source)).toBe(true);
});

test('an early end is a change of the source; the connection goes on', async () => {
  const { server, file, sink } = await opened();
  server.disk.get('/home/f')!.bytes = source.subarray(0, 200_000);
  await expect(file.read(slicesOf(whole), sink.drain)).rejects.toMatchObject({
    code: 'source-changed',
    exitCode: 10,
    message: '/home/f became shorter while it was copied.',
  });
  const again = new Sink(source.length);
  await file.read(slicesOf({ offset: 0, length: 200_000 }), again.drain);
  expect(again.total).toBe(200_000);
});

test('an end before the size that is reported all the time is named as such', async () => {
  const { file, sink } = await opened({ sizeLie: -1000 });
  await expect(
    file.read(slicesOf({ offset: 0, length: source.length + 1000 }), new Sink(source.length + 1000).drain),
  ).rejects.toMatchObject({
    code: 'source-changed',
    message: `/home/f ends before the ${source.length + 1000} bytes that the server reports.`,
  });
  await file.read(slicesOf(whole), sink.drain);
  expect(sink.bytes.equals(source)).toBe(true);
});

test('whether it goes on is asked with one request, whatever the server reports', async () => {
  const { server, file } = await opened({ sizeLie: -1000 });
  await file.attributes;
  const before = server.asked.length;
  expect(await file.hasByteAt(source.length - 1)).toBe(true);
  expect(await file.hasByteAt(source.length)).toBe(false);
  expect(server.asked.slice(before)).toEqual(['read', 'read']);
});

test('the failure of the drain is the failure of the read; the connection goes on', async () => {
  const { file, sink } = await opened();
  const full = () => Promise.reject(new Error('disk full'));
  await expect(file.read(slicesOf(whole), full)).rejects.toMatchObject({ message: 'disk full' });
  await file.read(slicesOf(whole), sink.drain);
  expect(sink.bytes.equals(source)).toBe(true);
});

test.each([
  ['nothing', 'source-missing', {}],
  ['f', 'source-unreadable', { refusesReading: true }],
])('/home/%s: %s', async (name, code, quirks) => {
  const server = new StandInSftpServer(quirks);
  server.put('/home/f', source);
  server.put('/home/', '', { kind: 'directory' });
  const opening = (await server.connection()).open(Buffer.from(`/home/${name}`));
  await expect(opening).rejects.toMatchObject({ code, exitCode: 3 });
  expect(server.openHandles).toBe(0);
});

test('a directory that can be opened is no file, and gives no bytes', async () => {
  const server = new StandInSftpServer();
  server.put('/home/d', 'names', { kind: 'directory' });
  const file = await (await server.connection()).open(Buffer.from('/home/d'));
  const refusal = { code: 'source-unsupported', exitCode: 3 };
  await expect(file.attributes).rejects.toMatchObject(refusal);
  await expect(file.read(slicesOf({ offset: 0, length: 5 }), new Sink(5).drain)).rejects.toMatchObject(refusal);
  await file.close();
  expect(server.openHandles).toBe(0);
});

test('the first bytes do not wait for the attributes', async () => {
  const { connection, file, sink } = await opened({ leavesUnanswered: ['fstat'] });
  let onDrained = (): void => {};
  const isDrained = new Promise<void>((resolve) => {
    onDrained = resolve;
  });
  const reading = file.read(slicesOf(whole), async (views, offset) => {
    await sink.drain(views, offset);
    if (sink.total === source.length) onDrained();
  });
  await isDrained;
  expect(sink.bytes.equals(source)).toBe(true);
  await connection.close();
  await reading;
});

test('no request is sent for a file that is closed while it is read, because its handle may be reused', async () => {
  const { server, file, sink } = await opened();
  const outcome = expect(file.read(slicesOf(whole), sink.drain)).rejects.toMatchObject({ code: 'bug' });
  await file.close();
  await outcome;
  expect(server.asked.lastIndexOf('read')).toBeLessThan(server.asked.lastIndexOf('close'));
});

test('reading does not wait for writing, nor writing for reading', async () => {
  const { connection, file, sink } = await opened();
  const staged = await connection.stage(Buffer.from('/home/g'), 'new');
  let isFilling = true;
  const filled = new Promise<void>((resolve) => {
    const poll = () => (isFilling ? setImmediate(poll) : resolve());
    poll();
  });
  const fill = fillWith(source);
  const writing = staged.write(
    slicesOf(whole),
    (views, offset) => filled.then(() => fill(views, offset)),
    () => {},
  );
  await file.read(slicesOf(whole), sink.drain);
  expect(sink.bytes.equals(source)).toBe(true);
  isFilling = false;
  await writing;
});
