import { describe, expect, test } from 'vitest';
import type { Staged, WriterProbe } from '../../../../src/remotes/remote.ts';
import type { SftpConnection } from '../../../../src/remotes/sftp/sftp-connection.ts';
import { type Quirks, StandInSftpServer } from '../../../support/stand-in-sftp-server.ts';
import { fillWith, slicesOf, sourceBytes } from './staging.ts';

const MIB = 1024 * 1024;
const SIZE = 2 * MIB + 5;
const source = sourceBytes(SIZE);
const fill = fillWith(source);
const target = Buffer.from('/home/f');
const WRITTEN = 100_000;

interface Probed {
  readonly server: StandInSftpServer;
  readonly first: SftpConnection;
  readonly second: SftpConnection;
  readonly staged: Staged;
  readonly result: WriterProbe;
}

/** The first connection has written some bytes already, as when the second one comes in. */
async function probe(quirks: Partial<Quirks>, before?: (server: StandInSftpServer) => void): Promise<Probed> {
  const server = new StandInSftpServer(quirks);
  const [first, second] = [await server.connection(), await server.connection()];
  const staged = await first.stage(target, 'new');
  await staged.write(slicesOf({ offset: 0, length: WRITTEN }), fill, () => {});
  before?.(server);
  const result = await staged.probeWriters(second, WRITTEN, 2 * MIB, SIZE, fill);
  return { server, first, second, staged, result };
}

/** What the engine does next: sends all that is not known to be written, one connection alone or both by turns. */
async function finish({ server, first, second, staged, result }: Probed): Promise<Buffer | undefined> {
  let writers = [staged];
  let from = WRITTEN;
  if (result.written === undefined) {
    await staged.close().catch(() => {});
    writers = [await first.stage(target, 'new')];
    from = 0;
  }
  if (result.writers === 'many') writers.push(await second.join(staged.token));
  const covered = (offset: number): boolean =>
    (result.written ?? []).some((range) => offset >= range.offset && offset < range.offset + range.length);
  for (let offset = from, turn = 0; offset < SIZE; turn++) {
    if (covered(offset)) {
      offset++;
      continue;
    }
    let end = offset;
    while (end < SIZE && end < offset + 300_000 && !covered(end)) end++;
    const range = { offset, length: end - offset };
    await writers[turn % writers.length]!.write(slicesOf(range), fill, () => {});
    offset = end;
  }
  for (const other of writers.slice(1)) await other.close();
  const seal = await writers[0]!.seal({ size: SIZE });
  await first.publish(writers[0]!.token, seal);
  return server.read('/home/f');
}

test('a server that keeps what both connections write allows many writers, and both slices are written', async () => {
  const probed = await probe({});
  expect(probed.result).toEqual({
    writers: 'many',
    written: [
      { offset: WRITTEN, length: 32 * 1024 },
      { offset: 2 * MIB, length: 5 },
    ],
  });
  expect(probed.server.openHandles, 'the second one has closed').toBe(1);
  expect((await finish(probed))?.equals(source)).toBe(true);
});

const cases: readonly (readonly [string, Partial<Quirks>, RegExp, boolean])[] = [
  ['keeps a private temporary for each session', { privateTemporary: true }, /does not see/, true],
  ['lets a second one write into a copy', { secondWritesElsewhere: true }, /writes another file/, true],
  ['truncates on opening', { truncatesOnOpen: true }, /truncates/, false],
  ['refuses a second handle', { refusesSecondOpen: true }, /may not write .*in use/, true],
  ['refuses a second writer', { refusesSecondWrite: true }, /may not write it/, true],
];

describe.each(cases)('a server that %s', (_, quirks, reason, kept) => {
  test('is recognised, with the reason', async () => {
    const { result } = await probe(quirks);
    expect(result.writers).toBe('one');
    expect(result.reason).toMatch(reason);
    expect(result.written).toEqual(kept ? [{ offset: WRITTEN, length: 32 * 1024 }] : undefined);
  });

  test('gets the complete file from one writer', async () => {
    expect((await finish(await probe(quirks)))?.equals(source)).toBe(true);
  });
});

test('a server that ignores offsets is recognised, and nothing that was written is relied on', async () => {
  const { result } = await probe({ ignoresOffsets: true });
  expect(result).toMatchObject({ writers: 'one', reason: expect.stringMatching(/ignores offsets/) });
  expect(result.written).toBeUndefined();
});

test('a server that reports sizes that are too small gets one writer', async () => {
  const { result } = await probe({ sizeLie: 50 });
  expect(result.writers).toBe('one');
});

test('a file that is longer than what was written gets one writer, and nothing is relied on', async () => {
  const { result } = await probe({}, (server) => {
    const partial = server.paths.find((path) => path.endsWith('.mtpart'))!;
    server.disk.get(partial)!.bytes = Buffer.alloc(SIZE);
  });
  expect(result).toMatchObject({ writers: 'one' });
  expect(result.written).toBeUndefined();
});

test('the loss of the second connection says nothing about the server', async () => {
  const server = new StandInSftpServer();
  const [first, second] = [await server.connection(), await server.connection()];
  const staged = await first.stage(target, 'new');
  await second.close();
  await expect(staged.probeWriters(second, 0, MIB, SIZE, fill)).rejects.toMatchObject({ scope: 'connection' });
});

test('in place over a longer old file, there is one writer, and the first slice is kept', async () => {
  const server = new StandInSftpServer();
  server.put('/home/f', Buffer.alloc(SIZE + 1000, 'x'));
  const [first, second] = [await server.connection(), await server.connection()];
  const staged = await first.stage(target, 'in-place');
  await staged.write(slicesOf({ offset: 0, length: WRITTEN }), fill, () => {});
  const result = await staged.probeWriters(second, WRITTEN, 2 * MIB, SIZE, fill);
  expect(result).toEqual({
    writers: 'one',
    reason: expect.stringMatching(/old file/),
    written: [{ offset: WRITTEN, length: 32 * 1024 }],
  });
  expect((await finish({ server, first, second, staged, result }))?.equals(source)).toBe(true);
});
