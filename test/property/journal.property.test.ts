/** What is read back from a journal, whole or damaged, is never more than what was recorded. */
import { readFile, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Journal } from '../../src/engine/resume/journal.ts';
import { type KnownPiece, PIECE_STATES, type PieceState } from '../../src/engine/resume/journal-records.ts';
import { JournalReader } from '../../src/engine/resume/read-journal.ts';
import { withTempDir } from '../support/temp-dir.ts';
import { byTier } from '../support/tier.ts';
import { sampleHeader } from '../unit/engine/resume/sample.ts';

const SPACE = 48;
const range = fc
  .record({ offset: fc.nat(SPACE - 1), length: fc.integer({ min: 1, max: SPACE }) })
  .map(({ offset, length }) => ({ offset, length: Math.min(length, SPACE - offset) }));
/** Pieces of a grid mostly, so that the same range comes again. */
const gridRange = fc.nat(SPACE / 8 - 1).map((index) => ({ offset: index * 8, length: 8 }));
const digest = fc.constantFrom('a'.repeat(64), 'b'.repeat(64));

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      how: fc.constant('record' as const),
      range: fc.oneof({ weight: 3, arbitrary: gridRange }, range),
      state: fc.constantFrom(...PIECE_STATES),
      digest: fc.option(digest, { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ how: fc.constant('forget' as const), range: fc.oneof(gridRange, range) }) },
  { weight: 1, arbitrary: fc.record({ how: fc.constant('staged' as const), size: fc.nat(SPACE) }) },
  { weight: 2, arbitrary: fc.constant({ how: 'flush' as const }) },
  { weight: 1, arbitrary: fc.constant({ how: 'reopen' as const }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

type Span = { readonly offset: number; readonly length: number };
const keyOf = ({ offset, length }: Span): string => `${offset}+${length}`;
const overlap = (a: Span, b: Span): boolean => a.offset < b.offset + b.length && b.offset < a.offset + a.length;

/** What may be claimed: the rank of every byte (0: nothing), and digests of exact ranges. */
class Model {
  readonly ranks: number[] = new Array(SPACE).fill(0);
  readonly digests: Map<string, { readonly span: Span; readonly digest: string }> = new Map();
  /** Digests of parts of ranges that have one now: a journal whose last lines are lost may still have them. */
  readonly #earlier: { readonly span: Span; readonly digest: string }[] = [];
  readonly sizes: (number | undefined)[] = [undefined];

  take(done: Step): void {
    if (done.how === 'forget') this.#forget(done.range);
    if (done.how === 'staged') this.sizes.push(done.size);
    if (done.how !== 'record') return;
    const key = keyOf(done.range);
    if (done.digest !== undefined && (this.digests.get(key)?.digest ?? done.digest) !== done.digest) {
      this.#forget(done.range);
    }
    const rank = PIECE_STATES.indexOf(done.state) + 1;
    for (let i = 0; i < done.range.length; i++) {
      this.ranks[done.range.offset + i] = Math.max(this.ranks[done.range.offset + i]!, rank);
    }
    if (done.digest === undefined) return;
    const within = (span: Span): boolean =>
      span.offset >= done.range.offset && span.offset + span.length <= done.range.offset + done.range.length;
    const dropped = [...this.digests.values()].filter(({ span }) => overlap(span, done.range));
    if (dropped.every(({ span }) => within(span))) this.#earlier.push(...dropped);
    this.#dropDigests(done.range);
    this.digests.set(key, { span: done.range, digest: done.digest });
  }

  #forget(span: Span): void {
    const isKnown = this.ranks.slice(span.offset, span.offset + span.length).some((rank) => rank > 0);
    // What takes nothing back does not have the journal written anew.
    if (!isKnown) return;
    this.ranks.fill(0, span.offset, span.offset + span.length);
    this.#dropDigests(span);
    // Written anew, it has them no longer.
    this.#earlier.length = 0;
  }

  #dropDigests(span: Span): void {
    for (const [key, entry] of this.digests) if (overlap(entry.span, span)) this.digests.delete(key);
  }

  /** Whether nothing of `known` is more than this. */
  expectCovers(known: readonly KnownPiece[]): void {
    let end = 0;
    for (const piece of known) {
      expect(piece.offset).toBeGreaterThanOrEqual(end);
      end = piece.offset + piece.length;
      const ranks = this.ranks.slice(piece.offset, end);
      expect(PIECE_STATES.indexOf(piece.state) + 1).toBeLessThanOrEqual(Math.min(...ranks));
      if (piece.digest === undefined) continue;
      const digests = [
        this.digests.get(keyOf(piece)),
        ...this.#earlier.filter(({ span }) => keyOf(span) === keyOf(piece)),
      ];
      expect(digests.map((one) => one?.digest)).toContain(piece.digest);
    }
    expect(end).toBeLessThanOrEqual(SPACE);
  }

  /** All of it, but for what a range with a digest does not tell of its bytes. */
  expectEquals(known: readonly KnownPiece[]): void {
    this.expectCovers(known);
    const ranks: number[] = new Array(SPACE).fill(0);
    for (const { offset, length, state } of known) ranks.fill(rankOf(state), offset, offset + length);
    const expected = [...this.ranks];
    for (const { span } of this.digests.values()) {
      const [from, to] = [span.offset, span.offset + span.length];
      expected.fill(Math.min(...expected.slice(from, to)), from, to);
    }
    expect(ranks).toEqual(expected);
    expect(known.filter((piece) => piece.digest !== undefined).length).toBe(this.digests.size);
  }
}

function rankOf(state: PieceState): number {
  return PIECE_STATES.indexOf(state) + 1;
}

function read(bytes: Buffer, chunkSize: number): { known: KnownPiece[]; size: number | undefined } | undefined {
  const reader = new JournalReader();
  for (let offset = 0; offset < bytes.length; offset += chunkSize) {
    reader.push(Buffer.from(bytes.subarray(offset, offset + chunkSize)));
  }
  const content = reader.end();
  return content && { known: content.pieces.list(), size: content.staged?.size };
}

test('a journal claims what was recorded, and damaged or torn never more', async () => {
  await withTempDir(async (dir) => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 30 }),
        fc.array(
          fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), mask: fc.integer({ min: 1, max: 255 }) }),
          {
            minLength: 20,
            maxLength: 20,
          },
        ),
        fc.integer({ min: 1, max: 300 }),
        async (steps, damages, chunkSize) => {
          const path = dir.file(`${runs++}.journal`);
          const fail = (error: Error): never => {
            throw error;
          };
          let journal = await Journal.create(path, sampleHeader(SPACE), fail);
          const model = new Model();
          for (const next of steps) {
            if (next.how === 'record') journal.record(next.range, next.state, next.digest);
            else if (next.how === 'forget') journal.forget(next.range);
            else if (next.how === 'staged') journal.sawStaged({ size: next.size, atMs: 0 });
            else if (next.how === 'flush') await journal.flush();
            else {
              await journal.close();
              journal = (await Journal.open(path, fail))!;
            }
            model.take(next);
            model.expectEquals(journal.known);
          }
          await journal.close();
          const bytes = await readFile(path);
          model.expectEquals(read(bytes, chunkSize)!.known);
          expect(read(bytes, chunkSize)!.size).toBe(model.sizes.at(-1));
          for (const { at, mask } of damages) {
            const offset = Math.min(bytes.length - 1, Math.floor(at * bytes.length));
            const damaged = Buffer.from(bytes);
            damaged[offset]! ^= mask;
            for (const worse of [damaged, bytes.subarray(0, offset), damaged.subarray(0, offset + 20)]) {
              const content = read(worse, chunkSize);
              model.expectCovers(content?.known ?? []);
              expect(model.sizes).toContain(content?.size);
            }
          }
          // Gone on after the damage.
          const { at } = damages[0]!;
          await writeFile(path, bytes.subarray(0, Math.floor(at * bytes.length)));
          const again = await Journal.open(path, fail);
          again?.record({ offset: 0, length: SPACE }, 'acknowledged');
          await again?.close();
          if (again === undefined) return;
          model.take({ how: 'record', range: { offset: 0, length: SPACE }, state: 'acknowledged', digest: undefined });
          const known = (await Journal.open(path, fail))!.known;
          model.expectCovers(known);
          expect(known.reduce((sum, { length }) => sum + length, 0)).toBe(SPACE);
        },
      ),
      { numRuns: byTier(50, 500) },
    );
  });
});
