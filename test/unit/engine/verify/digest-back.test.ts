import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestBack } from '../../../../src/engine/verify/digest-back.ts';
import { CopyError } from '../../../../src/errors.ts';
import type { Drain, Range, Slices } from '../../../../src/remotes/remote.ts';
import { contents } from '../../../support/upload-scene.ts';

const BYTES = contents(20_000, 3);

function sha256(range: Range): string {
  return createHash('sha256')
    .update(BYTES.subarray(range.offset, range.offset + range.length))
    .digest('hex');
}

/** Gives back slices of this length, several at a time, in an order that `shuffle` decides. */
function stagedThat(sliceLength: number, shuffle: (ranges: Range[]) => Range[]) {
  return {
    async readBack(slices: Slices, drain: Drain): Promise<void> {
      for (;;) {
        const taken: Range[] = [];
        while (taken.length < 5) {
          const slice = await slices.take(sliceLength);
          if (slice === undefined) break;
          taken.push(slice);
        }
        if (taken.length === 0) return;
        for (const { offset, length } of shuffle(taken)) {
          const half = Math.ceil(length / 2);
          await drain([BYTES.subarray(offset, offset + half), BYTES.subarray(offset + half, offset + length)], offset);
        }
      }
    },
  };
}

test('each range has its digest, in whatever slices and order its bytes come', async () => {
  const ranges = fc
    .uniqueArray(fc.integer({ min: 0, max: BYTES.length }), { minLength: 2, maxLength: 12 })
    .map((bounds) => bounds.sort((a, b) => a - b))
    .map((bounds) => bounds.slice(1).map((end, i) => ({ offset: bounds[i]!, length: end - bounds[i]! })));
  await fc.assert(
    fc.asyncProperty(
      ranges,
      fc.integer({ min: 1, max: 5000 }),
      fc.infiniteStream(fc.nat()),
      async (all, slice, keys) => {
        const shuffle = (some: Range[]): Range[] =>
          some
            .map((range) => ({ range, key: keys.next().value as number }))
            .sort((a, b) => a.key - b.key)
            .map(({ range }) => range);
        const chosen = all.filter((_, i) => i % 3 !== 1);
        const digests = await digestBack(stagedThat(slice, shuffle), chosen, 'sha256');
        expect(digests.map((digest) => Buffer.from(digest).toString('hex'))).toEqual(chosen.map(sha256));
      },
    ),
    { numRuns: 50 },
  );
});

test('what reading rejects with, it rejects with', async () => {
  const failing = {
    readBack: async (slices: Slices) => {
      await slices.take(100);
      throw new CopyError('integrity', 'It ends early.');
    },
  };
  await expect(digestBack(failing, [{ offset: 0, length: 1000 }], 'md5')).rejects.toMatchObject({ code: 'integrity' });
});

test('a server that withholds what was asked for first is given up before much has come', async () => {
  const MIB = 1024 * 1024;
  let came = 0;
  const staged = {
    async readBack(slices: Slices, drain: Drain): Promise<void> {
      await slices.take(MIB);
      for (let slice = await slices.take(MIB); slice !== undefined; slice = await slices.take(MIB)) {
        await drain([Buffer.alloc(slice.length)], slice.offset);
        came += slice.length;
      }
    },
  };
  const reading = digestBack(staged, [{ offset: 0, length: 1024 * MIB }], 'sha1');
  await expect(reading).rejects.toMatchObject({ code: 'connection-stalled', scope: 'connection' });
  expect(came).toBeLessThanOrEqual(65 * MIB);
});
