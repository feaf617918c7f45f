/** Hosts with several addresses. */
import { createServer } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';

const addresses = vi.hoisted(() => ({ found: [] as { address: string; family: number }[] }));
vi.mock('node:dns/promises', () => ({ lookup: async () => addresses.found }));

const { dial } = await import('../../../../../src/remotes/sftp/ssh/dial.ts');
const { resolveSshOptions } = await import('../../../../../src/remotes/sftp/ssh/resolve-options.ts');

/** A server at one address, and how many connections it has had. */
async function listen(address: string): Promise<{ port: number; accepted: () => number }> {
  let accepted = 0;
  const server = createServer((socket) => {
    accepted++;
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  return { port, accepted: () => accepted };
}

function settingsFor(host: string, port: number) {
  return resolveSshOptions({ host, port }, { home: '/h', user: 'u', variables: {} });
}

const never = new AbortController().signal;
const DEAD = { address: '127.0.0.3', family: 4 };
const ALIVE = { address: '127.0.0.1', family: 4 };

test.each([
  ['the first one answers', [ALIVE, DEAD]],
  ['the first ones refuse', [DEAD, { ...DEAD, address: '127.0.0.4' }, ALIVE]],
])('%s', async (_, found) => {
  const { port, accepted } = await listen('127.0.0.1');
  addresses.found = [...found];
  for (const isFast of [true, false]) {
    const { stream, reader } = await dial(settingsFor('many.example', port), never, isFast);
    expect(reader !== undefined).toBe(isFast);
    stream.destroy();
  }
  await vi.waitFor(() => expect(accepted()).toBe(2));
});

test('the families are tried in turn', async () => {
  const { port, accepted } = await listen('127.0.0.1');
  addresses.found = ['::ffff:127.0.0.3', '::ffff:127.0.0.4'].map((address) => ({ address, family: 6 }));
  addresses.found.push(ALIVE);
  const { stream } = await dial(settingsFor('many.example', port), never, false);
  stream.destroy();
  await vi.waitFor(() => expect(accepted()).toBe(1));
});

test('where all refuse, the first refusal is told', async () => {
  const { port } = await listen('127.0.0.1');
  addresses.found = [DEAD, { ...DEAD, address: '127.0.0.4' }];
  const dialling = dial(settingsFor('many.example', port), never, false);
  await expect(dialling).rejects.toMatchObject({ code: 'ECONNREFUSED', address: '127.0.0.3' });
});

test('a name without an address', async () => {
  addresses.found = [];
  await expect(dial(settingsFor('many.example', 1), never, false)).rejects.toThrow('many.example has no address');
});

test('nothing is dialled when that is not wanted any more', async () => {
  const { port, accepted } = await listen('127.0.0.1');
  addresses.found = [ALIVE];
  const gone = AbortSignal.abort();
  await expect(dial(settingsFor('many.example', port), gone, false)).rejects.toThrow('aborted');
  expect(accepted()).toBe(0);
});
