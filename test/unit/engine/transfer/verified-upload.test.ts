/** Uploads that are verified by digests and by reading back, to a remote that does what it is told. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { CopyError } from '../../../../src/errors.ts';
import type { DigestMethod, Range } from '../../../../src/remotes/remote.ts';
import { byTier } from '../../../support/tier.ts';
import { contents, expectArrived, notices, uploadScene } from '../../../support/upload-scene.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const SIZE = 3 * MIB + 17;
const PIECE = 64 * KIB;
const ALL: DigestMethod[] = ['check-file', 'helper', 'shell'];
const BYTES = contents(SIZE, 0);

const nothing = { byDigest: 0, byReadBack: 0, bySize: 0, notVerified: 0 };

/** The methods that were asked, each once, in the order of their first answer. */
function watched(remote: Awaited<ReturnType<typeof uploadScene>>['remote']): DigestMethod[] {
  const asked: DigestMethod[] = [];
  const before = remote.onDigest;
  remote.onDigest = (method, range, connection) => {
    if (!asked.includes(method)) asked.push(method);
    return before(method, range, connection);
  };
  return asked;
}

/** By this process, so far. */
async function bytesRead(): Promise<number> {
  const io = await readFile('/proc/self/io', 'utf8');
  return Number(/^rchar: (\d+)$/m.exec(io)![1]);
}

test.each([1, PIECE, SIZE])('a file of %i bytes is verified by the best provider', async (size) => {
  const it = await uploadScene([size], { digestMethods: ALL });
  const asked = watched(it.remote);
  const { verified, bytesSent } = await it.run({ verify: 'auto' });
  expectArrived(it, [size]);
  expect(verified).toEqual({ ...nothing, byDigest: size });
  expect(asked).toEqual(['check-file']);
  expect(bytesSent).toBe(size);
  expect(notices(it.events)).toEqual([]);
});

test('the source is read once: what is sent is hashed on its way', async () => {
  const size = byTier(16, 32) * MIB;
  const it = await uploadScene([size], { digestMethods: ALL, sliceLength: 256 * KIB });
  const before = await bytesRead();
  const { verified } = await it.run({ verify: 'hash', pieceSize: MIB });
  const read = (await bytesRead()) - before;
  expect(verified).toEqual({ ...nothing, byDigest: size });
  // What is cut from one connection for another near the end is read again, as are the bytes of the trial.
  expect(read).toBeGreaterThanOrEqual(size);
  expect(read).toBeLessThan(1.3 * size);
});

test('without a provider it is verified by size, and that is said once', async () => {
  const it = await uploadScene([SIZE, SIZE], {});
  const { verified, error } = await it.run({ verify: 'auto' });
  expect(error).toBeUndefined();
  expect(verified).toEqual({ ...nothing, bySize: 2 * SIZE });
  expect(notices(it.events)).toEqual(['no-digests']);
});

test('what must be hashed and cannot be fails before the first byte', async () => {
  const it = await uploadScene([SIZE], {});
  const { error, hasEndedRun, bytesSent } = await it.run({ verify: 'hash' });
  expect(error).toMatchObject({ code: 'no-digests', exitCode: 9 });
  expect([hasEndedRun, bytesSent, it.remote.bytesStored]).toEqual([true, 0, 0]);
  expect([...it.remote.files.keys()]).toEqual([]);
});

test('a provider that is lost fails what must be hashed, and what was sent stays', async () => {
  const it = await uploadScene([SIZE], { digestMethods: ['shell'] });
  it.remote.onDigest = (_, { offset }) => (offset > MIB ? 'missing' : undefined);
  const { error } = await it.run({ verify: 'hash' });
  expect(error).toMatchObject({ code: 'no-digests', exitCode: 9 });
  expect(it.remote.contents('/home/0.staged')?.length).toBe(SIZE);
});

test.each<[string, (range: Range) => Buffer | 'missing']>([
  ['the digest of nothing', () => createHash('sha256').digest()],
  ['that nothing is there', () => 'missing'],
  [
    'digests of other bytes',
    ({ offset }) =>
      createHash('sha256')
        .update(BYTES.subarray(offset + 1))
        .digest(),
  ],
])('a provider that answers %s is not believed, and nothing is sent for its sake', async (_, lie) => {
  const it = await uploadScene([SIZE], { digestMethods: ALL });
  it.remote.onDigest = (method, range) => (method === 'check-file' ? lie(range) : undefined);
  const asked = watched(it.remote);
  const { verified, bytesSent } = await it.run({ verify: 'auto' });
  expectArrived(it, [SIZE]);
  expect(verified).toEqual({ ...nothing, byDigest: SIZE });
  expect(asked).toEqual(['check-file', 'helper']);
  expect(bytesSent).toBe(SIZE);
});

test('one that stands the trial and is wrong later is dropped, and its answers with it', async () => {
  const it = await uploadScene([SIZE], { digestMethods: ALL });
  const wrong = Math.floor(SIZE / PIECE / 2) * PIECE;
  it.remote.onDigest = (method, { offset }) =>
    method !== 'shell' && offset === wrong ? Buffer.alloc(32, 7) : undefined;
  const { verified, bytesSent } = await it.run({ verify: 'auto' });
  expectArrived(it, [SIZE]);
  // The piece itself was read back to tell who was wrong, once for each of the two.
  expect(verified).toEqual({ ...nothing, byDigest: SIZE - PIECE, byReadBack: PIECE });
  expect(bytesSent).toBe(SIZE);
  expect(notices(it.events)).toEqual(['digests']);
});

test('a piece that the server spoiled is sent again, alone', async () => {
  const it = await uploadScene([SIZE], { digestMethods: ALL });
  let spoilt = 0;
  it.remote.onDigest = (_, { offset }) => {
    if (offset === 2 * PIECE && spoilt++ === 0) it.remote.contents('/home/0.staged')![2 * PIECE + 99]! ^= 1;
    return undefined;
  };
  const { verified, bytesSent } = await it.run({ verify: 'auto' });
  expectArrived(it, [SIZE]);
  expect(verified).toEqual({ ...nothing, byDigest: SIZE });
  expect(bytesSent).toBe(SIZE + PIECE);
  expect(notices(it.events)).toEqual(['sent-again']);
});

test('a piece that comes right between its digest and the reading back is not held against the provider', async () => {
  const it = await uploadScene([SIZE], { digestMethods: ALL });
  const at = Math.floor(SIZE / PIECE / 2) * PIECE;
  const flip = (): void => {
    it.remote.contents('/home/0.staged')![at + 99]! ^= 1;
  };
  let isWrong: boolean | undefined;
  it.remote.onDigest = (_, { offset }) => {
    if (offset === at && isWrong === undefined) flip();
    if (offset === at) isWrong ??= true;
    return undefined;
  };
  it.remote.onRead = (_, { offset }) => {
    if (isWrong && offset === at) flip();
    if (offset === at) isWrong = false;
  };
  const { verified, bytesSent } = await it.run({ verify: 'auto' });
  expectArrived(it, [SIZE]);
  expect(verified).toEqual({ ...nothing, byDigest: SIZE - PIECE, byReadBack: PIECE });
  expect(bytesSent).toBe(SIZE);
  expect(notices(it.events)).toEqual([]);
});

test('a piece that differs and may not be read back is sent again', async () => {
  const it = await uploadScene([SIZE], { digestMethods: ALL });
  const at = Math.floor(SIZE / PIECE / 2) * PIECE;
  it.remote.onDigest = (_, { offset }) => {
    if (offset !== at || it.remote.faults.refuseRead.length > 0) return undefined;
    it.remote.faults.refuseRead.push(1, 2, 3);
    return Buffer.alloc(32, 7);
  };
  const { verified, error } = await it.run({ verify: 'hash' });
  expect(error).toBeUndefined();
  expectArrived(it, [SIZE]);
  expect(verified).toEqual({ ...nothing, byDigest: SIZE });
  expect(notices(it.events)).toEqual(['sent-again']);
});

test('a piece that comes out wrong every time fails the file, three rewrites later', async () => {
  const it = await uploadScene([SIZE], { digestMethods: ALL });
  const at = 2 * PIECE + 99;
  it.remote.onDigest = (_, { offset }) => {
    if (offset === 2 * PIECE) it.remote.contents('/home/0.staged')![at] = BYTES[at]! ^ 1;
    return undefined;
  };
  const { error, bytesSent } = await it.run({ verify: 'auto' });
  expect(error).toMatchObject({ code: 'integrity', exitCode: 9 });
  expect(bytesSent).toBe(SIZE + 3 * PIECE);
  expect(it.remote.contents('/home/0')).toBeUndefined();
});

test('everything is read back where that is asked for, and nobody is asked for digests', async () => {
  const it = await uploadScene([SIZE], { digestMethods: ALL });
  const asked = watched(it.remote);
  const { verified } = await it.run({ verify: 'read-back' });
  expectArrived(it, [SIZE]);
  expect(verified).toEqual({ ...nothing, byReadBack: SIZE });
  expect(asked).toEqual([]);
});

test('another algorithm, and one provider alone', async () => {
  const it = await uploadScene([SIZE], { digestMethods: ALL });
  const asked = watched(it.remote);
  const { verified } = await it.run({ verify: 'hash', digests: { methods: ['shell'], algorithm: 'md5' } });
  expect(verified).toEqual({ ...nothing, byDigest: SIZE });
  expect(asked).toEqual(['shell']);
});

test('the loss of a connection that digests go over costs nothing but the asking', async () => {
  const it = await uploadScene([SIZE], { digestMethods: ['shell'] });
  let lost = 0;
  it.remote.onDigest = (_, { offset }) => {
    if (offset > MIB && lost++ === 0) for (const id of it.remote.open.slice(0, 1)) it.remote.lose(id);
    return undefined;
  };
  const { verified, error } = await it.run({ verify: 'hash' });
  expect(error).toBeUndefined();
  expectArrived(it, [SIZE]);
  expect(verified).toEqual({ ...nothing, byDigest: SIZE });
});

test('a connection that is lost while room is asked for costs nothing but the asking', async () => {
  const it = await uploadScene([SIZE], { digestMethods: ['shell'] });
  let spoilt = 0;
  it.remote.onDigest = (_, { offset }) => {
    if (offset === 2 * PIECE && spoilt++ === 0) it.remote.contents('/home/0.staged')![2 * PIECE + 99]! ^= 1;
    return undefined;
  };
  let asked = 0;
  it.remote.onCheckRoom = (connection) => {
    if (asked++ < 6) it.remote.lose(connection);
  };
  const { error, verified } = await it.run({ verify: 'hash' });
  expect(error).toBeUndefined();
  expectArrived(it, [SIZE]);
  expect(asked, 'until one answers').toBe(7);
  expect(verified).toEqual({ ...nothing, byDigest: SIZE });
});

test('a file that fails before its provider was tried fails at once', async () => {
  const it = await uploadScene([SIZE], { digestMethods: ['check-file'], writers: 'one' });
  it.remote.onWrite = (_, { offset }) => {
    if (offset >= MIB) throw new CopyError('no-space', 'No space is left.');
  };
  let asks = 0;
  it.remote.onDigest = async () => {
    // When the answer comes, nobody has the file open any more from which it could be tried.
    while (it.remote.holders > 0) await nextTurn();
    asks++;
    return undefined;
  };
  const { error } = await it.run({ verify: 'auto', wanted: 1, retryForMs: 60_000 });
  expect(error).toMatchObject({ code: 'no-space', exitCode: 4 });
  expect(asks).toBeLessThan(10);
});
