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

test('what comes early is bounded: nothing more is taken until what is missing is there', async () => {
  const size = 64 * 1024 * 1024;
  let mostAhead = 0;
  const staged = {
    async readBack(slices: Slices, drain: Drain): Promise<void> {
      const first = (await slices.take(1024 * 1024))!;
      let ahead = 0;
      let waiting = false;
      while (!waiting) {
        const slice = slices.take(1024 * 1024);
        if (slice instanceof Promise) {
          waiting = true;
          // Now the first comes, and lets the others through.
          await drain([Buffer.alloc(first.length)], first.offset);
          const next = await slice;
          await drain([Buffer.alloc(next!.length)], next!.offset);
        } else {
          await drain([Buffer.alloc(slice!.length)], slice!.offset);
          ahead += slice!.length;
          mostAhead = Math.max(mostAhead, ahead);
        }
      }
      for (let slice = await slices.take(size); slice !== undefined; slice = await slices.take(size)) {
        await drain([Buffer.alloc(slice.length)], slice.offset);
      }
    },
  };
  const [digest] = await digestBack(staged, [{ offset: 0, length: size }], 'sha1');
  expect(Buffer.from(digest!).toString('hex')).toBe(createHash('sha1').update(Buffer.alloc(size)).digest('hex'));
  expect(mostAhead).toBeLessThanOrEqual(17 * 1024 * 1024);
});
