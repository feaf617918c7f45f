import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type HashedPiece, hashingFill } from '../../src/engine/runner/piece-hasher.ts';
import { wholePieces } from '../../src/engine/schedule/grid.ts';
import { contents } from '../support/upload-scene.ts';

const PIECE = 1000;

const tasks = fc.record({
  fileSize: fc.integer({ min: 1, max: 5 * PIECE }),
  offset: fc.nat(5 * PIECE),
  length: fc.nat(5 * PIECE),
  /** Of each reading, and of each view of it. */
  readings: fc.array(fc.integer({ min: 1, max: 2 * PIECE }), { minLength: 1 }),
  views: fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }),
  isLeftOut: fc.array(fc.boolean(), { minLength: 1 }),
});

test('each piece that is read from its first byte to its last in one go is told of, and no other', async () => {
  await fc.assert(
    fc.asyncProperty(tasks, async ({ fileSize, offset, length, readings, views, isLeftOut }) => {
      const source = contents(fileSize, 1);
      const told: HashedPiece[] = [];
      const fill = hashingFill(
        async (parts, at) => {
          let next = at;
          for (const part of parts) next += source.copy(part, 0, next);
        },
        { algorithm: 'sha1', pieceSize: PIECE, fileSize },
        ({ algorithm, pieces }) => {
          expect(algorithm).toBe('sha1');
          told.push(...pieces);
        },
      );
      /** What was read without a gap. */
      const runs = [{ offset, length: 0 }];
      const end = Math.min(fileSize, offset + length);
      for (let at = offset, turn = 0; at < end; turn++) {
        const reading = Math.min(end - at, readings[turn % readings.length]!);
        if (turn > 0 && isLeftOut[turn % isLeftOut.length]) runs.push({ offset: at + reading, length: 0 });
        else {
          await fill(viewsOf(reading, views), at);
          runs.at(-1)!.length += reading;
        }
        at += reading;
      }
      const expected = runs.flatMap((run) => [...wholePieces([run], fileSize, PIECE)]);
      expect(told.map(({ piece }) => piece)).toEqual(expected);
      for (const { piece, digest } of told) {
        const bytes = source.subarray(piece.offset, piece.offset + piece.length);
        expect(Buffer.from(digest)).toEqual(createHash('sha1').update(bytes).digest());
      }
    }),
  );
});

function viewsOf(total: number, lengths: readonly number[]): Buffer[] {
  const views: Buffer[] = [];
  for (let left = total, turn = 0; left > 0; turn++) {
    const view = Buffer.alloc(Math.min(left, lengths[turn % lengths.length]!));
    views.push(view);
    left -= view.length;
  }
  return views;
}
