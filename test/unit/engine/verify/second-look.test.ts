/** Pieces that were verified and are asked about again before a target is sealed that was written in place. */
import { writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { LocalDigests } from '../../../../src/engine/local/local-digests.ts';
import { openSource } from '../../../../src/engine/local/local-source.ts';
import { fillFrom } from '../../../../src/engine/runner/descriptor-fill.ts';
import { digestBack } from '../../../../src/engine/verify/digest-back.ts';
import { DigestProviders } from '../../../../src/engine/verify/digest-providers.ts';
import { choosePieces, findOverwritten, findOverwrittenByReading } from '../../../../src/engine/verify/second-look.ts';
import type { DigestAlgorithm, Range } from '../../../../src/remotes/remote.ts';
import { DIGEST_METHODS } from '../../../../src/remotes/sftp/digests/open-digester.ts';
import { tempDirForTest } from '../../../support/for-one-test.ts';
import { MemoryRemote } from '../../../support/memory-remote.ts';
import { contents, expectArrived, notices, uploadScene } from '../../../support/upload-scene.ts';

const PIECE = 64 * 1024;
const SIZE = 8 * PIECE + 17;
const GIB = 1024 ** 3;

function piecesOf(count: number, length: number): Range[] {
  return Array.from({ length: count }, (_, index) => ({ offset: index * length, length }));
}

/** How often the beginning of each piece was asked for. */
function countAsks(remote: MemoryRemote): Map<number, number> {
  const asks = new Map<number, number>();
  const before = remote.onDigest;
  remote.onDigest = (method, range, connection) => {
    asks.set(range.offset, (asks.get(range.offset) ?? 0) + 1);
    return before(method, range, connection);
  };
  return asks;
}

test.each([
  ['all, where there are few', 7, PIECE, 7],
  ['sixteen of many', 16_384, PIECE, 16],
  ['no more than 256 MiB', 16_384, GIB / 16, 4],
  ['one, however long', 3, GIB, 1],
])('%s', (_, count, length, chosen) => {
  const pieces = piecesOf(count, length);
  const some = choosePieces(pieces);
  expect(some).toHaveLength(chosen);
  expect(choosePieces(pieces)).toEqual(some);
  // One of each section.
  const sections = some.map(({ offset }) => Math.floor((offset / length) * (chosen / count)));
  expect(sections).toEqual(Array.from({ length: chosen }, (_none, index) => index));
});

test('nothing is chosen of nothing', () => {
  expect(choosePieces([])).toEqual([]);
});

test('in place: each piece is asked about once more, and nothing is said', async () => {
  const it = await uploadScene([SIZE], { digestMethods: ['helper'] });
  const asks = countAsks(it.remote);
  const { error, verified } = await it.run({ verify: 'auto', inplace: true });
  expect(error).toBeUndefined();
  expectArrived(it, [SIZE]);
  expect(verified.byDigest).toBe(SIZE);
  // In the middle, as both ends are what the provider was tried on.
  expect(asks.get(3 * PIECE)).toBe(2);
  expect(notices(it.events)).toEqual([]);
});

test('not in place: nothing is asked twice', async () => {
  const it = await uploadScene([SIZE], { digestMethods: ['helper'] });
  const asks = countAsks(it.remote);
  expect((await it.run({ verify: 'auto' })).error).toBeUndefined();
  expect(asks.get(3 * PIECE)).toBe(1);
});

test('a verified piece that somebody has overwritten ends the run with 12', async () => {
  const it = await uploadScene([SIZE], { digestMethods: ['helper'] });
  let asks = 0;
  it.remote.onDigest = (_, { offset }) => {
    if (offset === 3 * PIECE && ++asks === 2) it.remote.store('/home/0', 3 * PIECE + 5, Buffer.from('theirs'));
    return undefined;
  };
  const { error } = await it.run({ verify: 'auto', inplace: true });
  expect(error).toMatchObject({ code: 'target-busy', exitCode: 12, message: expect.stringContaining('/home/0') });
  expect(error?.message).toContain('Another program writes into');
  expect(error?.advice).toContain('End that program');
});

test('a provider that is wrong the second time is dropped, and the run succeeds', async () => {
  const it = await uploadScene([SIZE], { digestMethods: ['helper'] });
  let asks = 0;
  it.remote.onDigest = (_, { offset }) => (offset === 3 * PIECE && ++asks === 2 ? Buffer.alloc(32, 7) : undefined);
  const { error } = await it.run({ verify: 'auto', inplace: true });
  expect(error).toBeUndefined();
  expectArrived(it, [SIZE]);
  expect(notices(it.events)).toEqual(['digests']);
});

test('a crash of the server that takes what was verified is no other program', async () => {
  const it = await uploadScene([SIZE], { digestMethods: ['helper'] });
  let asks = 0;
  it.remote.onDigest = (_, { offset }) => {
    if (offset !== 3 * PIECE || ++asks !== 2) return undefined;
    it.remote.store('/home/0', 3 * PIECE, Buffer.alloc(PIECE));
    for (const id of it.remote.open) it.remote.lose(id);
    return undefined;
  };
  const { error } = await it.run({ verify: 'auto', inplace: true });
  expect(error).toBeUndefined();
  expectArrived(it, [SIZE]);
});

/** Pieces of a file on a server that has them all, as `spoil` leaves it. */
async function scene(spoil: (bytes: Buffer) => void) {
  const path = (await tempDirForTest()).file('source');
  const bytes = contents(SIZE, 1);
  await writeFile(path, bytes);
  const source = await openSource(Buffer.from(path));
  onTestFinished(() => source.close());
  const remote = new MemoryRemote({ digestMethods: ['shell'] });
  const connection = await remote.connect(1, new AbortController().signal);
  const staged = await connection.stage(Buffer.from('/home/x'), 'in-place');
  remote.put('/home/x', bytes);
  const providers = new DigestProviders(
    { withConnection: async (work) => work(1, connection), onProgress: () => {} },
    { methods: DIGEST_METHODS, algorithm: 'auto' },
    () => {},
  );
  const back = (ranges: readonly Range[], algorithm: DigestAlgorithm) => digestBack(staged, ranges, algorithm);
  const sides = { of: staged.token, local: new LocalDigests(fillFrom(source.fd)), back };
  const pieces = piecesOf(8, PIECE);
  await providers.trusted({ of: staged.token, back, ranges: async () => pieces });
  spoil(remote.contents('/home/x')!);
  return { remote, providers, sides, pieces };
}

test('the part is told that has changed', async () => {
  const it = await scene((bytes) => bytes.set([1, 2, 3], 5 * PIECE));
  expect(await findOverwritten(it)).toEqual({ changed: { offset: 5 * PIECE, length: PIECE }, side: 'there' });
});

test('nothing has changed', async () => {
  expect(await findOverwritten(await scene(() => {}))).toBe('is-same');
});

test('an answer that does not come in time is not waited for', async () => {
  const it = await scene((bytes) => bytes.set([1, 2, 3], 5 * PIECE));
  it.remote.onDigest = () => new Promise(() => {});
  expect(await findOverwritten({ ...it, limitMs: 10 })).toBe('unknown');
});

test('what was verified in another way is not asked about', async () => {
  const it = await scene((bytes) => bytes.set([1, 2, 3], 5 * PIECE));
  const asks = countAsks(it.remote);
  it.providers.drop('shell', 'it is of no use');
  expect(await findOverwritten(it)).toBe('unknown');
  expect(asks.size).toBe(0);
});

test('what another program has written into a local target is told', async () => {
  const it = await scene(() => {});
  const wrong = Buffer.alloc(32, 7);
  // What was verified is not what the file has now.
  it.sides.local.learn({ offset: 3 * PIECE, length: PIECE }, 'sha256', wrong);
  expect(await findOverwritten({ ...it, isTargetLocal: true })).toEqual({
    changed: { offset: 3 * PIECE, length: PIECE },
    side: 'here',
  });
});

test('what was verified by reading back is read back once more', async () => {
  const changed = await scene((bytes) => bytes.set([1, 2, 3], 5 * PIECE));
  expect(await findOverwrittenByReading(changed.sides, changed.pieces)).toMatchObject({ side: 'there' });
  const same = await scene(() => {});
  expect(await findOverwrittenByReading(same.sides, same.pieces)).toBe('is-same');
  expect(await findOverwrittenByReading(same.sides, [])).toBe('unknown');
});
