import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { measureRaw } from '../support/measure-raw.ts';
import { run } from '../support/process.ts';
import { isAlive } from '../support/process-tree.ts';
import { type ProxyOptions, type RunningProxy, startProxy } from '../support/proxy.ts';
import { repoRoot } from '../support/repo-root.ts';
import { byTier } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

/** A server that sends back what it gets, with a proxy of the given kind in front of it. */
async function proxyToEcho(options: Omit<ProxyOptions, 'target'> = {}): Promise<RunningProxy> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const proxy = await startProxy({
    ...options,
    target: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
  });
  onTestFinished(proxy.stop);
  return proxy;
}

async function open(proxy: RunningProxy): Promise<Socket> {
  const socket = connect({ port: proxy.port, host: proxy.host, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** How the connection ends: 'end', 'reset', or the code of any other error. */
function ending(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let how = 'end';
    // A reset is told to whichever call comes first; where that is a write, reading just sees the end.
    socket.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      how = code === 'ECONNRESET' || code === 'EPIPE' ? 'reset' : (code ?? message);
    });
    // And where that was the last write, whose error went by: only another one tells it from a far side that is done.
    socket.once('end', () => socket.writable && socket.write(''));
    socket.once('close', () => resolve(how));
    socket.resume();
  });
}

async function echo(socket: Socket, bytes: number): Promise<number> {
  const begin = performance.now();
  socket.write(Buffer.alloc(bytes, 1));
  let got = 0;
  while (got < bytes) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    got += chunk.length;
  }
  return performance.now() - begin;
}

// That they reach their rate is shown where time is measured: every bench begins with it.
test.each(byTier(['up'] as const, ['up', 'down'] as const))(
  'ten connections never pass their rate %s',
  async (which) => {
    const proxy = { bytesPerSecond: 2_000_000, delayMs: 20 };
    const raw = await measureRaw({ proxy, connections: 10, bytes: 40_000_000, which });
    // A burst a connection is all that can be on top.
    expect(raw.ratio).toBeLessThan(1.02);
  },
);

test('a limit for all holds over all', async () => {
  const proxy = { totalBytesPerSecond: 10_000_000, bytesPerSecond: 5_000_000 };
  const raw = await measureRaw({ proxy, connections: 5, bytes: 15_000_000 });
  expect(raw.ratio).toBeLessThan(1.02);
});

test('a round trip takes the delay both ways, the first one the handshake too', async () => {
  const socket = await open(await proxyToEcho({ delayMs: { up: 30, down: 50 } }));
  // SYN, SYN-ACK, and the first bytes right behind the ACK.
  const handshakeMs = 30 + 50 + 30;
  expect(await echo(socket, 1)).toBeGreaterThanOrEqual(handshakeMs + 50 - 2);
  for (let i = 0; i < 3; i++) expect(await echo(socket, 1)).toBeGreaterThanOrEqual(78);
});

test('time without traffic earns nothing', async () => {
  const socket = await open(await proxyToEcho({ bytesPerSecond: { up: 500_000, down: 100_000_000 } }));
  await echo(socket, 1);
  // With credit for this pause all of the bytes would pass at once.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const elapsedMs = await echo(socket, 200_000);
  expect(elapsedMs).toBeGreaterThan(((200_000 - 65_536) / 500_000) * 1000);
});

test('bytes are counted for each connection and in all', async () => {
  const proxy = await proxyToEcho();
  const [first, second] = [await open(proxy), await open(proxy)];
  await echo(first, 1000);
  await echo(second, 20);
  const stats = await proxy.stats();
  expect(stats).toMatchObject({
    accepted: 2,
    open: 2,
    mostOpen: 2,
    refused: 0,
    resets: 0,
    bytesUp: 1020,
    bytesDown: 1020,
  });
  expect(stats.connections.map((connection) => connection.bytesUp)).toEqual([1000, 20]);
});

test('an end is passed on each way of its own', async () => {
  const proxy = await proxyToEcho({ delayMs: 5 });
  const socket = await open(proxy);
  await echo(socket, 10);
  socket.end('last');
  expect(await ending(socket)).toBe('end');
  await waitFor(async () => (await proxy.stats()).open === 0, { what: 'the connection to be gone' });
});

test('connections are cut: one, the rest, and the ones at random', async () => {
  const proxy = await proxyToEcho();
  const sockets = [await open(proxy), await open(proxy), await open(proxy)];
  for (const socket of sockets) await echo(socket, 1);
  const endings = sockets.map(ending);
  expect(await proxy.reset(1)).toBe(1);
  expect(await endings[1]).toBe('reset');
  expect((await proxy.stats()).connections.map((connection) => connection.open)).toEqual([true, false, true]);
  await proxy.resetEvery(20);
  expect(await Promise.all(endings)).toEqual(['reset', 'reset', 'reset']);
  expect((await proxy.stats()).resets).toBe(3);
});

test('all are cut after so many bytes', async () => {
  const proxy = await proxyToEcho({ resetAllAfter: { up: 1_000_000 } });
  const socket = await open(proxy);
  const how = ending(socket);
  socket.write(Buffer.alloc(2_000_000));
  expect(await how).toBe('reset');
  expect((await proxy.stats()).bytesUp).toBeGreaterThanOrEqual(1_000_000);
  const next = await open(proxy);
  await echo(next, 1000);
});

test('a delay that changes holds for what comes from then on', async () => {
  const proxy = await proxyToEcho({ delayMs: 5 });
  const socket = await open(proxy);
  await echo(socket, 1);
  await proxy.reshape('all', { delayMs: 60 });
  expect(await echo(socket, 1)).toBeGreaterThanOrEqual(118);
  // And for a connection that comes later.
  expect(await echo(await open(proxy), 1)).toBeGreaterThanOrEqual(118);
});

test('a delay that changes often earns nothing and loses nothing', async () => {
  const proxy = await proxyToEcho({ delayMs: 5, bytesPerSecond: { up: 500_000, down: 100_000_000 } });
  const socket = await open(proxy);
  await echo(socket, 1);
  let delayMs = 5;
  const timer = setInterval(() => void proxy.reshape('all', { delayMs: delayMs++ }).catch(() => {}), 10);
  onTestFinished(() => clearInterval(timer));
  expect(await echo(socket, 300_000)).toBeGreaterThan(((300_000 - 65_536) / 500_000) * 1000);
  expect((await proxy.stats()).bytesDown).toBe(300_001);
});

test('one direction is stalled, and the other goes on', async () => {
  const proxy = await proxyToEcho();
  const socket = await open(proxy);
  await echo(socket, 1);
  await proxy.stall('all', 'down');
  const echoed = echo(socket, 5000);
  await waitFor(async () => (await proxy.stats()).bytesUp === 5001, { what: 'the bytes to arrive' });
  expect((await proxy.stats()).bytesDown).toBe(1);
  await proxy.resume('all');
  await echoed;
});

test('where all wait in one queue, who comes later waits for what came before', async () => {
  const shared = { totalBytesPerSecond: { up: 500_000, down: 100_000_000 } };
  const proxy = await proxyToEcho({ ...shared, totalQueueBytes: 10_000_000 });
  const [first, second] = [await open(proxy), await open(proxy)];
  await Promise.all([echo(first, 1), echo(second, 1)]);
  const large = echo(first, 300_000);
  await waitFor(async () => (await proxy.stats()).bytesUp > 2, { what: 'the first to be under way' });
  await echo(second, 1);
  expect((await proxy.stats()).connections[0]?.bytesUp).toBeGreaterThan(200_000);
  await large;
});

test('what the queue does not hold is left with its sender', async () => {
  const shared = { totalBytesPerSecond: 10_000_000, totalQueueBytes: 100_000 };
  const raw = await measureRaw({ proxy: { ...shared, delayMs: 5 }, connections: 5, bytes: 5_000_000 });
  expect(raw.ratio).toBeLessThan(1.03);
});

test('a stalled connection gives nothing until it goes on', async () => {
  const proxy = await proxyToEcho();
  const [stalled, other] = [await open(proxy), await open(proxy)];
  await echo(stalled, 1);
  await proxy.stall(0);
  let arrived = 0;
  stalled.on('data', (chunk: Buffer) => {
    arrived += chunk.length;
  });
  stalled.write('abc');
  for (let i = 0; i < 20; i++) await echo(other, 1000);
  expect(arrived).toBe(0);
  expect((await proxy.stats()).connections.map((connection) => connection.stalled)).toEqual([true, false]);
  await proxy.resume(0);
  await waitFor(() => arrived === 3, { what: 'the withheld bytes' });
});

test('one connection is made slower while it runs', async () => {
  const proxy = await proxyToEcho();
  const socket = await open(proxy);
  await echo(socket, 100_000);
  await proxy.reshape(0, { bytesPerSecond: 200_000 });
  expect(await echo(socket, 100_000)).toBeGreaterThan(150);
});

test('more connections than it may have are refused', async () => {
  const proxy = await proxyToEcho({ maxConnections: 1 });
  const first = await open(proxy);
  await echo(first, 1);
  const second = connect(proxy.port, proxy.host);
  onTestFinished(() => void second.destroy());
  expect(await ending(second)).toBe('reset');
  expect(await proxy.stats()).toMatchObject({ accepted: 1, refused: 1 });
  await echo(first, 1);
});

test('what nobody reads is not taken in without bound', async () => {
  const proxy = await proxyToEcho({ bytesPerSecond: 1_000_000_000 });
  const socket = await open(proxy);
  await echo(socket, 1);
  await proxy.stall('all');
  let taken = 0;
  const block = Buffer.alloc(1024 * 1024);
  while (taken < 64 && socket.write(block)) taken++;
  // The kernel's buffers take some megabytes, the proxy none that it could not send.
  expect((await proxy.stats()).bytesUp).toBe(1);
  expect(taken).toBeLessThan(64);
});

test('it ends by itself when its parent is gone', async () => {
  const script = `
    import { fork } from 'node:child_process';
    const child = fork('build/test/support/shaping-proxy-main.js', [], { execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    child.once('message', () => { console.log(child.pid); process.kill(process.pid, 'SIGKILL'); });
    child.send({ id: 1, call: 'start', args: [{ target: { host: '127.0.0.1', port: 1 } }] });
  `;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: repoRoot });
  const pid = Number(stdout);
  expect(pid).toBeGreaterThan(0);
  await waitFor(() => !isAlive({ pid }), { what: 'the proxy to end' });
});
