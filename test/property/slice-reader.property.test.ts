/** However a server cuts and orders its answers, and however long the disk takes: each byte is drained once. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CopyError } from '../../src/errors.ts';
import { FlowWindow } from '../../src/remotes/sftp/flow-window.ts';
import { SliceReader } from '../../src/remotes/sftp/slice-reader.ts';
import { byTier } from '../support/tier.ts';
import { Sink, slicesOf, sourceBytes } from '../unit/remotes/sftp/staging.ts';

const SIZE = 40_000;
const MAX_REQUEST = 2048;
const source = sourceBytes(SIZE);

const scenes = fc.record({
  ranges: fc.array(
    fc.record({ offset: fc.nat(SIZE - 1), length: fc.nat(SIZE) }).map(({ offset, length }) => ({
      offset,
      length: Math.min(length, SIZE - offset),
    })),
    { minLength: 1, maxLength: 3 },
  ),
  /** Where the file ends. */
  end: fc.oneof(fc.constant(SIZE), fc.nat(SIZE)),
  /** Lengths of answers, and which step is next: both used again and again. */
  cuts: fc.array(fc.integer({ min: 1, max: MAX_REQUEST }), { minLength: 1, maxLength: 20 }),
  picks: fc.array(fc.nat(1000), { minLength: 1, maxLength: 50 }),
});

test('each byte once, or the failure that is due; and nothing is left in flight', async () => {
  await fc.assert(
    fc.asyncProperty(scenes, async ({ ranges, end, cuts, picks }) => {
      /** What the server and the disk can do next. */
      const steps: (() => void)[] = [];
      let answers = 0;
      const read = (_: Uint8Array, offset: number, length: number): Promise<Uint8Array | 'eof'> =>
        new Promise((resolve) => {
          const most = Math.min(length, cuts[answers++ % cuts.length]!);
          steps.push(() => resolve(offset >= end ? 'eof' : source.subarray(offset, Math.min(end, offset + most))));
        });
      const window = new FlowWindow({ maxRequest: MAX_REQUEST, requests: 'auto' });
      const reader = new SliceReader(
        { read, recycle: () => {} },
        window,
        Buffer.alloc(4),
        () => new CopyError('source-changed', 'Short.'),
      );
      const sinks = ranges.map(() => new Sink(SIZE));
      let running = ranges.length;
      const results = ranges.map(async (range, index) => {
        const sink = sinks[index]!;
        const drain = (views: readonly Uint8Array[], offset: number): Promise<void> =>
          new Promise((resolve, reject) => steps.push(() => sink.drain(views, offset).then(resolve, reject)));
        try {
          return await reader.read(slicesOf(range), drain).then(
            () => 'done',
            (error: CopyError) => error.code,
          );
        } finally {
          running--;
        }
      });
      for (let turn = 0; running > 0; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
        if (steps.length > 0) steps.splice(picks[turn % picks.length]! % steps.length, 1)[0]!();
      }
      for (const [index, range] of ranges.entries()) {
        const isWhole = range.length === 0 || range.offset + range.length <= end;
        expect(await results[index]).toBe(isWhole ? 'done' : 'source-changed');
        const sink = sinks[index]!;
        if (isWhole) expect(sink.total).toBe(range.length);
        expect(sink.bytes.every((byte, at) => byte === 0 || byte === source[at])).toBe(true);
      }
      expect(steps).toEqual([]);
      expect(window.inFlight).toBe(0);
    }),
    { numRuns: byTier(100, 2000) },
  );
});
