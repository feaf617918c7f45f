import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { startProxy } from './proxy.ts';
import type { Directions, ProxyOptions } from './shaping.ts';

export interface RawMeasureOptions {
  /** As in the run that follows. */
  proxy: Omit<ProxyOptions, 'target' | 'port'>;
  connections: number;
  /** Over all connections. */
  bytes: number;
  which?: keyof Directions;
}

export interface RawMeasure {
  /** Achieved ÷ nominal. */
  ratio: number;
  bytesPerSecond: number;
  nominalBytesPerSecond: number;
  seconds: number;
}

const BLOCK = Buffer.alloc(64 * 1024, 0x5a);

async function send(socket: Socket, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; left -= BLOCK.length) {
    const roomLeft = socket.write(left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK);
    if (!roomLeft) await once(socket, 'drain');
  }
  socket.end();
}

async function receive(socket: Socket): Promise<number> {
  let received = 0;
  for await (const chunk of socket) received += (chunk as Buffer).length;
  return received;
}

function nominalRate({ proxy, connections, which = 'up' }: RawMeasureOptions): number {
  const pick = (value: number | Directions | undefined) =>
    typeof value === 'object' ? value[which] : (value ?? Number.POSITIVE_INFINITY);
  return Math.min(pick(proxy.bytesPerSecond) * connections, pick(proxy.totalBytesPerSecond));
}

/** What plain sockets reach through such a proxy, connecting included: the yardstick for everything else. */
export async function measureRaw(options: RawMeasureOptions): Promise<RawMeasure> {
  const { connections, bytes, which = 'up' } = options;
  const share = Math.ceil(bytes / connections);
  const served: Promise<number>[] = [];
  let lastArrival = 0;
  async function arrive(socket: Socket): Promise<number> {
    const received = await receive(socket);
    lastArrival = performance.now();
    socket.end();
    return received;
  }

  const far = createServer({ allowHalfOpen: true }, (socket) => {
    if (which === 'up') served.push(arrive(socket));
    else served.push(send(socket, share).then(() => receive(socket)));
  });
  far.listen(0, '127.0.0.1');
  await once(far, 'listening');
  const { port } = far.address() as AddressInfo;
  const proxy = await startProxy({ ...options.proxy, target: { host: '127.0.0.1', port } });
  try {
    const begin = performance.now();
    const arrived = await Promise.all(
      Array.from({ length: connections }, async () => {
        const socket = connect({ port: proxy.port, host: proxy.host, allowHalfOpen: true });
        if (which === 'down') return arrive(socket);
        await send(socket, share);
        await receive(socket);
        return share;
      }),
    );
    const counted = which === 'up' ? await Promise.all(served) : arrived;
    const seconds = (lastArrival - begin) / 1000;
    const total = counted.reduce((sum, one) => sum + one, 0);
    if (total !== share * connections) throw new Error(`${total} of ${share * connections} bytes arrived`);
    const nominalBytesPerSecond = nominalRate(options);
    const bytesPerSecond = total / seconds;
    return { ratio: bytesPerSecond / nominalBytesPerSecond, bytesPerSecond, nominalBytesPerSecond, seconds };
  } finally {
    await proxy.stop();
    far.close();
  }
}
