import { writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { LocalDigests } from '../../../../src/engine/local/local-digests.ts';
import { openSource } from '../../../../src/engine/local/local-source.ts';
import { fillFrom } from '../../../../src/engine/runner/descriptor-fill.ts';
import { checkClaims } from '../../../../src/engine/verify/claim-check.ts';
import { digestBack } from '../../../../src/engine/verify/digest-back.ts';
import { DigestProviders } from '../../../../src/engine/verify/digest-providers.ts';
import type { DigestMethod, FoundStage, Range } from '../../../../src/remotes/remote.ts';
import { DIGEST_METHODS } from '../../../../src/remotes/sftp/digests/open-digester.ts';
import { RangeSet } from '../../../../src/util/range-set.ts';
import { tempDirForTest } from '../../../support/for-one-test.ts';
import { MemoryRemote, stagedName } from '../../../support/memory-remote.ts';
import { contents } from '../../../support/upload-scene.ts';

const CELL = 64 * 1024;
const PIECE = 4 * CELL;
const SIZE = 10 * PIECE + 777;
const BYTES = contents(SIZE, 1);
const whole = { offset: 0, length: SIZE };

/** What an earlier run left, as `spoil` leaves it; the check of some claims. */
async function check(
  spoil: (bytes: Buffer) => void,
  claims: readonly Range[],
  methods: readonly DigestMethod[] = DIGEST_METHODS,
  pieceSize = PIECE,
) {
  const path = (await tempDirForTest()).file('source');
  await writeFile(path, BYTES);
  const source = await openSource(Buffer.from(path));
  onTestFinished(() => source.close());
  const remote = new MemoryRemote({ digestMethods: ['shell'] });
  const left = Buffer.from(BYTES);
  spoil(left);
  remote.put(stagedName('/home/x'), left);
  const connection = await remote.connect(1, new AbortController().signal);
  const [{ token }] = (await connection.findStaged(Buffer.from('/home/x'))) as [FoundStage];
  const staged = (await connection.reopen(token))!;
  const providers = new DigestProviders(
    { withConnection: async (work) => work(1, connection), onProgress: () => {} },
    { methods, algorithm: 'auto' },
    () => {},
  );
  const right = new RangeSet();
  const wrong = new RangeSet();
  const unknown = new RangeSet();
  let told = 0;
  const sides = {
    of: token,
    fd: source.fd,
    local: new LocalDigests(fillFrom(source.fd)),
    back: (ranges: readonly Range[], algorithm: 'sha256' | 'sha512' | 'sha1' | 'md5') =>
      digestBack(staged, ranges, algorithm),
  };
  await checkClaims(
    providers,
    { ...sides, repeat: (work) => work(), size: SIZE, pieceSize, epoch: () => 0 },
    claims,
    async (judged) => {
      for (const range of judged.right) right.add(range);
      for (const range of judged.wrong) wrong.add(range);
      for (const range of judged.unknown) unknown.add(range);
      told += [...judged.right, ...judged.wrong, ...judged.unknown].reduce((sum, { length }) => sum + length, 0);
    },
  );
  expect(told, 'each byte once').toBe(new RangeSet(claims).total);
  return { right: [...right], wrong: [...wrong], unknown: [...unknown] };
}

test('what is right is right, to the last byte', async () => {
  expect(await check(() => {}, [whole])).toEqual({ right: [whole], wrong: [], unknown: [] });
});

test('of a piece with one wrong bit a cell is wrong, and of a piece that is empty all is', async () => {
  const spoil = (bytes: Buffer): void => {
    bytes[2 * PIECE + CELL + 5]! ^= 1;
    bytes.fill(0, 5 * PIECE, 6 * PIECE);
  };
  expect((await check(spoil, [whole])).wrong).toEqual([
    { offset: 2 * PIECE + CELL, length: CELL },
    { offset: 5 * PIECE, length: PIECE },
  ]);
});

test('a piece that was begun keeps its beginning, one that was begun in the middle its end', async () => {
  const spoil = (bytes: Buffer): void => {
    bytes.fill(0, PIECE + CELL + 10, 2 * PIECE);
    bytes.fill(0, 7 * PIECE, 7 * PIECE + 3 * CELL);
  };
  expect((await check(spoil, [whole])).wrong).toEqual([
    { offset: PIECE + CELL, length: 3 * CELL },
    { offset: 7 * PIECE, length: 3 * CELL },
  ]);
});

test('of a long piece that two had begun, what is right in its middle stays', async () => {
  const spoil = (bytes: Buffer): void => {
    bytes.fill(0, 0, 3 * CELL);
    bytes.fill(0, 7 * CELL, 16 * CELL);
  };
  const { right, wrong } = await check(spoil, [whole], DIGEST_METHODS, 16 * CELL);
  expect(wrong).toEqual([
    { offset: 0, length: 3 * CELL },
    { offset: 7 * CELL, length: 9 * CELL },
  ]);
  expect(right[0]).toEqual({ offset: 3 * CELL, length: 4 * CELL });
});

test('of claims that are no whole pieces, what fills cells is compared', async () => {
  const claims = [
    { offset: 100, length: CELL },
    { offset: PIECE + 100, length: 2 * CELL },
    { offset: SIZE - 777 - CELL, length: CELL + 777 },
  ];
  const { right, wrong } = await check(() => {}, claims);
  expect(right).toEqual([
    { offset: PIECE + CELL, length: CELL },
    { offset: SIZE - 777 - CELL, length: CELL + 777 },
  ]);
  expect(new RangeSet(wrong).total).toBe(CELL + CELL);
});

test('where nobody can tell nothing is right, nor wrong', async () => {
  expect(await check(() => {}, [whole], [])).toEqual({ right: [], wrong: [], unknown: [whole] });
});
