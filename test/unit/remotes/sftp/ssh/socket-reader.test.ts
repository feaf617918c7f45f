import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type ReadSplitter, SocketReader } from '../../../../../src/remotes/sftp/ssh/socket-reader.ts';

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  readonly reader: SocketReader;
  readonly chunks: Buffer[];
  /** Sends, and waits until so many bytes were emitted in all. */
  send(bytes: string, emitted: number): Promise<void>;
}

async function pair(splitter?: ReadSplitter): Promise<Pair> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const reader = new SocketReader();
  const accepted = once(server, 'connection');
  const { port } = server.address() as AddressInfo;
  const near = connect({ host: '127.0.0.1', port, onread: reader.options });
  reader.attach(near);
  const [far] = (await accepted) as [Socket];
  onTestFinished(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  if (splitter !== undefined) reader.split(splitter);
  const chunks: Buffer[] = [];
  near.on('data', (chunk: Buffer) => chunks.push(chunk));
  const total = (): number => chunks.reduce((sum, { length }) => sum + length, 0);
  const send = async (bytes: string, emitted: number): Promise<void> => {
    far.write(bytes);
    while (total() < emitted) await sleep(1);
    await sleep(5);
    expect(total()).toBe(emitted);
  };
  return { near, far, reader, chunks, send };
}

test('without a splitter, listeners may keep what they get', async () => {
  const { near, far, chunks, send } = await pair();
  await send('first', 5);
  await send('other', 10);
  expect(chunks.map(String)).toEqual(['first', 'other']);
  const ended = once(near, 'end');
  far.end();
  await ended;
});

test('with one, it emits where the bytes lie, and what is left over comes again with what follows', async () => {
  const take = (bytes: Buffer): number => bytes.lastIndexOf('.') + 1;
  const { chunks, send } = await pair({ take, isInUse: () => false });
  const emitted: string[] = [];
  const push = chunks.push.bind(chunks);
  chunks.push = (chunk) => {
    emitted.push(String(chunk));
    return push(chunk);
  };
  await send('one.tw', 4);
  await send('o', 4);
  await send('.three.', 14);
  expect(emitted).toEqual(['one.', 'two.three.']);
  expect(chunks[0]!.buffer).toBe(chunks[1]!.buffer);
});

test('what is still in use is not overwritten', async () => {
  const take = (bytes: Buffer): number => bytes.lastIndexOf('.') + 1;
  const { chunks, send } = await pair({ take, isInUse: () => true });
  await send('one.tw', 4);
  await send('o.three.', 14);
  expect(chunks.map(String)).toEqual(['one.', 'two.three.']);
});

test('a socket that is paused reads nothing', async () => {
  const { near, far, chunks } = await pair({ take: ({ length }) => length, isInUse: () => false });
  await sleep(10);
  near.pause();
  far.write('later');
  await sleep(30);
  expect(chunks).toEqual([]);
  near.resume();
  while (chunks.length === 0) await sleep(1);
  expect(chunks.map(String)).toEqual(['later']);
});

test('a full buffer is read once in a turn of the event loop', async () => {
  const MIB = 1024 * 1024;
  const { near, far } = await pair({ take: ({ length }) => length, isInUse: () => false });
  const lengths: number[] = [];
  let turn = 0;
  let total = 0;
  let sinceTurn = 0;
  const count = (): void => {
    turn++;
    sinceTurn = 0;
    if (total < 8 * MIB) setImmediate(count);
  };
  near.pause();
  far.write(Buffer.alloc(8 * MIB));
  near.on('data', ({ length }: Buffer) => {
    total += length;
    sinceTurn += length;
    lengths.push(sinceTurn);
  });
  setImmediate(count);
  near.resume();
  while (total < 8 * MIB) await new Promise((resolve) => setImmediate(resolve));
  expect(Math.max(...lengths)).toBeLessThanOrEqual(256 * 1024);
  expect(turn).toBeGreaterThanOrEqual(32);
});

test('the buffers of many connections are shorter', async () => {
  const take = ({ length }: Buffer): number => length;
  const lengths: number[] = [];
  for (let i = 0; i < 20; i++) {
    const { near, far, chunks } = await pair({ take, isInUse: () => false });
    far.write(Buffer.alloc(1024 * 1024));
    await once(near, 'data');
    lengths.push(chunks[0]!.buffer.byteLength);
  }
  expect([lengths[0], lengths.at(-1)]).toEqual([256 * 1024, 64 * 1024]);
});
