import { expect, test } from 'vitest';
import { KnownPieces } from '../../../../src/engine/resume/known-pieces.ts';
import { digestA, digestB } from './sample.ts';

const first = { offset: 0, length: 100 };
const second = { offset: 100, length: 100 };
const both = { offset: 0, length: 200 };

test('runs of one state are merged, and listed in order', () => {
  const pieces = new KnownPieces();
  expect(pieces.record({ offset: 300, length: 10 }, 'verified')).toBe('more');
  expect(pieces.record(second, 'durable')).toBe('more');
  expect(pieces.record(first, 'durable')).toBe('more');
  expect(pieces.list()).toEqual([
    { ...both, state: 'durable' },
    { offset: 300, length: 10, state: 'verified' },
  ]);
});

test('a state rises and never falls', () => {
  const pieces = new KnownPieces();
  expect(pieces.record(both, 'acknowledged')).toBe('more');
  expect(pieces.record(second, 'verified')).toBe('more');
  expect(pieces.record(both, 'acknowledged')).toBe('nothing');
  expect(pieces.record(both, 'durable')).toBe('more');
  expect(pieces.list()).toEqual([
    { ...first, state: 'durable' },
    { ...second, state: 'verified' },
  ]);
});

test('ranges with digests are not merged, and keep them when more than they rises', () => {
  const pieces = new KnownPieces();
  pieces.record(first, 'acknowledged', digestA);
  pieces.record(second, 'acknowledged', digestA);
  pieces.record({ offset: 200, length: 50 }, 'acknowledged');
  expect(pieces.record({ offset: 0, length: 250 }, 'durable')).toBe('more');
  expect(pieces.list()).toEqual([
    { ...first, state: 'durable', digest: digestA },
    { ...second, state: 'durable', digest: digestA },
    { offset: 200, length: 50, state: 'durable' },
  ]);
});

test('a digest may come later, and is told once', () => {
  const pieces = new KnownPieces();
  pieces.record(both, 'durable');
  expect(pieces.record(first, 'acknowledged', digestA)).toBe('more');
  expect(pieces.record(first, 'durable', digestA)).toBe('nothing');
  expect(pieces.list()).toEqual([
    { ...first, state: 'durable', digest: digestA },
    { ...second, state: 'durable' },
  ]);
});

test('a range with a digest has the lowest state of its bytes', () => {
  const pieces = new KnownPieces();
  pieces.record(both, 'acknowledged', digestA);
  pieces.record(first, 'durable');
  expect(pieces.list()).toEqual([{ ...both, state: 'acknowledged', digest: digestA }]);
  pieces.record(second, 'verified');
  expect(pieces.list()).toEqual([{ ...both, state: 'durable', digest: digestA }]);
});

test('another digest of the same range is the end of what was known of it', () => {
  const pieces = new KnownPieces();
  pieces.record(both, 'verified', digestA);
  expect(pieces.record(both, 'acknowledged', digestB)).toBe('other');
  expect(pieces.list()).toEqual([{ ...both, state: 'acknowledged', digest: digestB }]);
});

test('the digest of another grid takes the place of those it overlaps, states stay', () => {
  const pieces = new KnownPieces();
  pieces.record(first, 'durable', digestA);
  pieces.record(second, 'acknowledged', digestA);
  expect(pieces.record({ offset: 50, length: 100 }, 'acknowledged', digestB)).toBe('other');
  expect(pieces.list()).toEqual([
    { offset: 0, length: 50, state: 'durable' },
    { offset: 50, length: 100, state: 'acknowledged', digest: digestB },
    { offset: 150, length: 50, state: 'acknowledged' },
  ]);
});

test('the digest of a piece takes the place of those of its parts, and nothing is taken back', () => {
  const pieces = new KnownPieces();
  pieces.record({ offset: 10, length: 20 }, 'durable', digestA);
  pieces.record({ offset: 40, length: 60 }, 'durable', digestA);
  expect(pieces.record(first, 'durable', digestB)).toBe('more');
  expect(pieces.list()).toEqual([{ ...first, state: 'durable', digest: digestB }]);
  expect(pieces.record({ offset: 10, length: 20 }, 'durable', digestA), 'of a part again').toBe('other');
});

test('what is forgotten takes every digest with it that covers a byte of it', () => {
  const pieces = new KnownPieces();
  pieces.record(first, 'verified', digestA);
  pieces.record(second, 'durable', digestB);
  expect(pieces.forget({ offset: 90, length: 10 })).toBe(true);
  expect(pieces.forget({ offset: 90, length: 10 })).toBe(false);
  expect(pieces.forget({ offset: 200, length: 10 })).toBe(false);
  expect(pieces.list()).toEqual([
    { offset: 0, length: 90, state: 'verified' },
    { ...second, state: 'durable', digest: digestB },
  ]);
});

test('the rows bring the same knowledge back, also of a range that rose in part', () => {
  const pieces = new KnownPieces();
  pieces.record(both, 'acknowledged', digestA);
  pieces.record(first, 'durable');
  pieces.record({ offset: 150, length: 300 }, 'verified');
  const copy = new KnownPieces();
  for (const row of pieces.rows()) copy.record(row, row.state, row.digest);
  for (const each of [pieces, copy]) each.record({ offset: 100, length: 50 }, 'durable');
  expect(copy.list()).toEqual(pieces.list());
  expect(copy.list()[0]).toEqual({ ...both, state: 'durable', digest: digestA });
});

test('how much is remembered has a bound', () => {
  const digests = new KnownPieces();
  for (let i = 0; i < 131_072; i++) digests.record({ offset: i, length: 1 }, 'durable', digestA);
  expect(digests.record({ offset: 131_072, length: 1 }, 'durable', digestA)).toBe('nothing');
  expect(digests.record({ offset: 5, length: 1 }, 'durable', digestB)).toBe('other');
  expect(digests.list().length).toBe(131_072);
  const runs = new KnownPieces();
  for (let i = 0; i < 65_536; i++) runs.record({ offset: i * 2, length: 1 }, 'durable');
  expect(runs.record({ offset: 200_000, length: 1 }, 'acknowledged')).toBe('nothing');
  expect(runs.list().length).toBe(65_536);
});
