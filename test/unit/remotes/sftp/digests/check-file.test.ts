import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { DigestAlgorithm, Digester, Range } from '../../../../../src/remotes/remote.ts';
import { openCheckFile } from '../../../../../src/remotes/sftp/digests/check-file.ts';
import type { SessionOptions } from '../../../../../src/remotes/sftp/session.ts';
import type { CheckFileHabit } from '../../../../support/stand-in-check-file.ts';
import { type Quirks, StandInSftpServer } from '../../../../support/stand-in-sftp-server.ts';
import { sourceBytes } from '../staging.ts';

const CELL = 65_536;
/** Large enough for habits to matter, and not a whole number of cells. */
const source = sourceBytes(40 * CELL + 1234);
const path = Buffer.from('/home/f');

function cellsOf(size: number, cell = CELL): Range[] {
  return Array.from({ length: Math.ceil(size / cell) }, (_, i) => ({
    offset: i * cell,
    length: Math.min(cell, size - i * cell),
  }));
}

function expected(ranges: readonly Range[], algorithm: DigestAlgorithm = 'sha256', bytes = source): string[] {
  return ranges.map(({ offset, length }) =>
    createHash(algorithm)
      .update(bytes.subarray(offset, offset + length))
      .digest('hex'),
  );
}

const hex = (digests: readonly (Uint8Array | undefined)[]) => digests.map((d) => d && Buffer.from(d).toString('hex'));

async function opened(checkFile: CheckFileHabit, quirks: Partial<Quirks> = {}, options: Partial<SessionOptions> = {}) {
  const server = new StandInSftpServer({ checkFile, ...quirks });
  server.put('/home/f', source);
  const session = await server.session(options);
  const digester = await openCheckFile({
    session,
    closed: session.closed,
    exec: () => Promise.reject(new Error('nothing is to be run')),
  });
  const questions = () => server.asked.filter((name) => name === 'check-file-name').length;
  return { server, session, digester, questions };
}

const all = cellsOf(source.length);
/** Here and there, the last one among them. */
const some = all.filter((_, i) => i % 7 === 5 || i >= 39);

const RIGHT = [
  'right',
  'right-behind-name',
  'right-behind-lengths',
  'proftpd-1.3.7',
  'proftpd-1.3.8',
  'extra',
  'to-the-end',
  'over-read',
] as const satisfies readonly CheckFileHabit[];

test.each(RIGHT)('%s: every digest is that of its range', async (habit) => {
  const { digester, questions } = await opened(habit);
  expect(digester.method).toBe('check-file');
  expect(hex(await digester.digests(path, all, 'sha256'))).toEqual(expected(all));
  // The probe, the question for the habit, and one for all ranges.
  expect(questions()).toBe(3);
  expect(hex(await digester.digests(path, some, 'sha256'))).toEqual(expected(some));
  for (const cell of [2 * CELL, 4 * CELL, 1024 * 1024]) {
    const ranges = cellsOf(source.length, cell);
    expect(hex(await digester.digests(path, ranges, 'sha256'))).toEqual(expected(ranges));
    const last = ranges.slice(-1);
    expect(hex(await digester.digests(path, last, 'sha256'))).toEqual(expected(last));
  }
});

test.each(['sha256', 'sha512', 'sha1', 'md5'] as const)('%s is had', async (algorithm) => {
  const { digester } = await opened('proftpd-1.3.8');
  expect(digester.algorithms).toContain(algorithm);
  expect(hex(await digester.digests(path, some, algorithm))).toEqual(expected(some, algorithm));
});

test('proftpd 1.3.8 hashes no more than necessary', async () => {
  const { server, digester } = await opened('proftpd-1.3.8');
  const [one] = await digester.digests(path, [all[20]!], 'sha256');
  expect(hex([one])).toEqual(expected([all[20]!]));
  const learning = server.hashed - CELL;
  expect(learning).toBeLessThanOrEqual(2 * CELL);
  const before = server.hashed;
  await digester.digests(path, some, 'sha256');
  expect(server.hashed - before).toBe(some.reduce((sum, { length }) => sum + length, 0));
});

test('many calls at a time, each with its own answers', async () => {
  const { digester } = await opened('right');
  const asked = all.map((range) => digester.digests(path, [range], 'sha256'));
  expect(hex((await Promise.all(asked)).flat())).toEqual(expected(all));
});

test('a small file needs no request to learn the habit', async () => {
  const { server, digester, questions } = await opened('right');
  server.put('/home/small', source.subarray(0, 100));
  const range = { offset: 0, length: 100 };
  expect(hex(await digester.digests(Buffer.from('/home/small'), [range], 'sha1'))).toEqual(expected([range], 'sha1'));
  expect(questions()).toBe(2);
});

test('the digest of a range beyond the end is undefined', async () => {
  const { server, digester } = await opened('proftpd-1.3.8');
  server.put('/home/f', source.subarray(0, 30 * CELL + 1));
  const found = hex(await digester.digests(path, all, 'sha256'));
  expect(found).toEqual([...expected(all.slice(0, 30)), ...all.slice(30).map(() => undefined)]);
  server.put('/home/f', '');
  expect(await digester.digests(path, all.slice(0, 2), 'sha256')).toEqual([undefined, undefined]);
  const [nothing] = await digester.digests(path, [{ offset: 0, length: 0 }], 'sha256');
  expect(hex([nothing])).toEqual(expected([{ offset: 0, length: 0 }]));
});

test('the digest of a shorter range that does not end the file is undefined, because proftpd would hash beyond it', async () => {
  const { digester } = await opened('over-read');
  const ranges = [all[3]!, { offset: 4 * CELL, length: 50_000 }];
  expect(hex(await digester.digests(path, ranges, 'sha256'))).toEqual([...expected([all[3]!]), undefined]);
});

test('a file that is cut meanwhile has no digests beyond', async () => {
  const { server, digester } = await opened('right', { beforeCheckFile: () => {} });
  await digester.digests(path, all.slice(0, 1), 'sha256');
  server.quirks.beforeCheckFile = () => server.put('/home/f', source.subarray(0, 20 * CELL));
  const found = hex(await digester.digests(path, all, 'sha256'));
  expect(found).toEqual([...expected(all.slice(0, 20)), ...all.slice(20).map(() => undefined)]);
});

test.each([
  ['empty', 'no digests, or those of no bytes'],
  ['few', 'no digests, or those of no bytes'],
  ['odd-bytes', 'not a list of digests'],
  ['md5-always', 'md5 where sha256'],
  ['bare-ok', 'a bare OK'],
  ['denied', 'Permission denied'],
] as const)('%s: the digester is of no use, and the connection goes on', async (habit, message) => {
  for (const ranges of [all, all.slice(0, 1), some]) {
    const { session, digester } = await opened(habit);
    await expect(digester.digests(path, ranges, 'sha256')).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining(message),
    });
    expect((await session.stat(path))?.size).toBe(source.length);
    expect(session.inFlight).toBe(0);
  }
});

test('an absurd size does not end the connection', async () => {
  const { server, session, digester } = await opened('right');
  server.quirks.sizeLie = -(2 ** 52);
  await expect(digester.digests(path, all, 'sha256')).rejects.toMatchObject({ code: 'unsupported' });
  expect(session.inFlight).toBe(0);
});

test('there is no digest of a file that does not exist', async () => {
  const { digester } = await opened('right');
  const gone = digester.digests(Buffer.from('/home/gone'), all, 'sha256');
  await expect(gone).rejects.toMatchObject({ code: 'unsupported' });
});

// What only known bytes can show passes through: it is for the calibration.
test('paramiko-like blocks beyond 64 KiB are wrong, and right up to that', async () => {
  const { digester } = await opened('wrong-above-64k');
  expect(hex(await digester.digests(path, all, 'sha256'))).toEqual(expected(all));
  const larger = cellsOf(source.length, 2 * CELL);
  const found = hex(await digester.digests(path, larger, 'sha256'));
  expect(found).toHaveLength(larger.length);
  expect(found[0]).not.toBe(expected(larger)[0]);
});

test('nonsense passes for digests', async () => {
  const { digester } = await opened('nonsense');
  const found = hex(await digester.digests(path, all, 'sha256'));
  expect(found).toHaveLength(all.length);
  expect(found).not.toEqual(expected(all));
});

test.each(['none', 'handle-only'] as const)('%s: there is no digester', async (habit) => {
  await expect(opened(habit)).rejects.toMatchObject({ code: 'unsupported' });
});

test('eight megabytes of digests instead of one do no harm', async () => {
  const { session, digester } = await opened('flood');
  const found = await digester.digests(path, all.slice(0, 2), 'sha256');
  expect(hex(found).slice(0, 2)).toEqual(expected(all.slice(0, 2)));
  // None of them holds the reply it came in.
  for (const digest of found) expect(digest!.buffer.byteLength).toBeLessThan(100_000);
  expect((await session.stat(path))?.size).toBe(source.length);
});

test('a reply that is too long for the session ends only the connection', async () => {
  const { digester, session } = await opened('deluge');
  await expect(digester.digests(path, all.slice(0, 1), 'sha256')).rejects.toMatchObject({
    code: 'protocol',
    scope: 'connection',
  });
  expect(await session.closed).toMatchObject({ code: 'protocol' });
  await expect(digester.digests(path, all, 'sha256')).rejects.toMatchObject({ scope: 'connection' });
});

test('a server that never answers has the time of a slow operation', async () => {
  const { digester } = await opened('silent', {}, { slowBaseMs: 50, slowBytesPerSecond: 1e12 });
  await expect(digester.digests(path, all, 'sha256')).rejects.toMatchObject({
    code: 'connection-stalled',
    scope: 'connection',
  });
});

test('closing ends the calls in progress, and later ones reject', async () => {
  const { digester, session } = await opened('silent');
  const asked: Promise<unknown> = digester.digests(path, all, 'sha256');
  const outcome = expect(asked).rejects.toMatchObject({ code: 'unsupported' });
  await digester.close();
  await outcome;
  await expect(digester.digests(path, all, 'sha256')).rejects.toMatchObject({ code: 'unsupported' });
  await digester.close();
  expect((await session.stat(path))?.size).toBe(source.length);
});

test('requests that were not sent before closing are not sent', async () => {
  const { server, session, digester, questions } = await opened('right');
  const apart = all.filter((_, i) => i % 2 === 0);
  server.quirks.beforeCheckFile = () => void digester.close();
  await expect(digester.digests(path, apart, 'sha256')).rejects.toMatchObject({ code: 'unsupported' });
  for (let i = 0; i < apart.length; i++) await session.stat(path);
  expect(questions()).toBeLessThan(apart.length / 2);
});

test('a range that is too long is refused', async () => {
  const { digester } = await opened('right');
  const length = 2 * digester.maxRangeLength;
  await expect(digester.digests(path, [{ offset: 0, length }], 'sha256')).rejects.toMatchObject({ code: 'bug' });
});

test('a connection opens it by its name', async () => {
  const server = new StandInSftpServer({ checkFile: 'right' });
  server.put('/home/f', source);
  const digester: Digester = await (await server.connection()).digester('check-file');
  expect(hex(await digester.digests(path, some, 'md5'))).toEqual(expected(some, 'md5'));
});
