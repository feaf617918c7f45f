/** Threads that own connections: they get their share, and one that dies takes only its ranges with it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import type { TransferEvent } from '../../src/engine/events.ts';
import { putWith, type TransferResult } from '../../src/transfer.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { proftpdForTest, proxyForTest, sourceForTest, sshdForTest } from '../support/for-one-test.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

const MB = 1_000_000;
const CONNECTIONS = 8;
const SIZE = byTier(30, 100) * MB;
/**
 * A connection: the file lasts for 100 s and more, so that all have moved long before its end on a busy machine too.
 */
const SLOW = { bytesPerSecond: SIZE / CONNECTIONS / byTier(100, 250) };
const FAST = { bytesPerSecond: 30 * MB };

interface Run {
  readonly events: TransferEvent[];
  readonly worker: Promise<Worker>;
  readonly result: Promise<TransferResult>;
}

/** An upload over eight connections in this process, which gets one worker as soon as a sample is taken. */
function start(server: TestServer, port: number, source: string): Run {
  const events: TransferEvent[] = [];
  let started!: (worker: Worker) => void;
  const worker = new Promise<Worker>((resolve) => {
    started = resolve;
  });
  const result = putWith(
    {
      sources: [Buffer.from(source)],
      destination: Buffer.from('arrived.bin'),
      connections: CONNECTIONS,
      ssh: {
        host: server.host,
        port,
        user: server.user,
        identityFiles: [server.identityFile],
        options: [`UserKnownHostsFile=${server.knownHostsFile}`, 'IdentitiesOnly=yes'],
      },
    },
    { onEvent: (event) => events.push(event), environment: { XDG_STATE_HOME: join(server.dir, 'state') } },
    { isGrowing: ({ busy, useful }) => busy.length === 1 && useful === CONNECTIONS - 1, onWorker: started },
  );
  return { events, worker, result };
}

function opened(events: readonly TransferEvent[]): number[] {
  return events.flatMap((event) => (event.type === 'connection' && event.state === 'open' ? [event.connection] : []));
}

/** Connections that moved: they were opened a second time. */
function moved(events: readonly TransferEvent[]): number[] {
  return opened(events).filter((connection, index, all) => all.indexOf(connection) < index);
}

async function allMoved({ events }: Run): Promise<void> {
  await waitFor(() => moved(events).length === CONNECTIONS / 2, {
    what: 'connections in the worker',
    timeoutMs: 50_000,
  });
}

describeWithServers(['sshd', 'proftpd'], 'an upload with a worker thread', () => {
  const servers: readonly (readonly [string, () => Promise<TestServer>])[] = [
    ['proftpd', () => proftpdForTest()],
    ['sshd', () => sshdForTest()],
  ];

  it.each(servers.slice(0, byTier(1, 2)))(
    'moves connections into it without losing one, and arrives at %s',
    async (_, startServer) => {
      const server = await startServer();
      const source = await sourceForTest(SIZE);
      const proxy = await proxyForTest(server, SLOW);
      const run = start(server, proxy.port, source.path);
      await allMoved(run);
      await proxy.reshape('all', FAST);
      expect((await run.result).error).toBeUndefined();
      expect((await readFile(join(server.home, 'arrived.bin'))).equals(await readFile(source.path))).toBe(true);
      expect(moved(run.events)).toHaveLength(CONNECTIONS / 2);
      expect(run.events.filter((event) => event.type === 'connection' && event.state === 'lost')).toEqual([]);
      expect((await run.result).bytesSent).toBe(source.size);
    },
  );

  it('arrives though the thread is killed in the middle', async () => {
    const server = await sshdForTest();
    const source = await sourceForTest(SIZE);
    const proxy = await proxyForTest(server, SLOW);
    const run = start(server, proxy.port, source.path);
    const worker = await run.worker;
    await allMoved(run);
    await worker.terminate();
    await proxy.reshape('all', FAST);
    expect(await run.result).toMatchObject({ exitCode: 0, filesDone: 1 });
    expect((await readFile(join(server.home, 'arrived.bin'))).equals(await readFile(source.path))).toBe(true);
    const lost = run.events.filter((event) => event.type === 'connection' && event.state === 'lost');
    expect(lost).toHaveLength(CONNECTIONS / 2);
    const told = run.events.filter((event) => event.type === 'notice' && event.code === 'thread');
    expect(told).toEqual([expect.objectContaining({ message: 'A thread of this program ended.' })]);
  });
});
