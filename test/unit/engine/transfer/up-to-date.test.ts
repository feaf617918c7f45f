import { describe, expect, test } from 'vitest';
import type { PlannedFile, PlanSink } from '../../../../src/engine/transfer/direction.ts';
import { decide, decideNamed, setWanted, type UpToDateOptions } from '../../../../src/engine/transfer/up-to-date.ts';
import type { Attributes } from '../../../../src/remotes/remote.ts';
import { MemoryTree } from '../../../support/memory-tree.ts';

const DEFAULTS: UpToDateOptions = { checksum: false, force: false, ignoreExisting: false, preserve: true };
const SOURCE: Attributes = { kind: 'file', size: 10, mtimeMs: 1_600_000_000_900, mode: 0o644 };
const OLDER: Attributes = { ...SOURCE, mtimeMs: 1_500_000_000_000 };
const NEWER: Attributes = { ...SOURCE, mtimeMs: 1_700_000_000_000 };
const SAME_SECOND: Attributes = { ...SOURCE, mtimeMs: 1_600_000_000_000 };
const OTHER_SIZE: Attributes = { ...SAME_SECOND, size: 11 };
const NO_TIME: Attributes = { kind: 'file', size: 10 };

describe('whether a file is copied', () => {
  test.each<
    [what: string, options: Partial<UpToDateOptions>, old: Attributes | undefined, small: string, long: string]
  >([
    ['nothing is there', {}, undefined, 'copy', 'copy'],
    ['the same size and second', {}, SAME_SECOND, 'skip', 'skip'],
    ['another size', {}, OTHER_SIZE, 'copy', 'copy'],
    ['an older file', {}, OLDER, 'compare', 'copy'],
    ['a newer file, as where times are not kept', {}, NEWER, 'compare', 'compare'],
    ['no time is told', {}, NO_TIME, 'compare', 'copy'],
    ['times are not kept, older', { preserve: false }, OLDER, 'compare', 'compare'],
    ['times are not kept, newer', { preserve: false }, NEWER, 'compare', 'compare'],
    ['--checksum, the same time', { checksum: true }, SAME_SECOND, 'compare', 'compare'],
    ['--checksum, another size', { checksum: true }, OTHER_SIZE, 'copy', 'copy'],
    ['--checksum, nothing is there', { checksum: true }, undefined, 'copy', 'copy'],
    ['--force', { force: true }, SAME_SECOND, 'copy', 'copy'],
    ['--ignore-existing', { ignoreExisting: true }, OTHER_SIZE, 'skip', 'skip'],
    ['--ignore-existing, nothing is there', { ignoreExisting: true }, undefined, 'copy', 'copy'],
    ['--ignore-existing --checksum', { ignoreExisting: true, checksum: true }, OLDER, 'skip', 'skip'],
  ])('%s', (_, options, old, small, long) => {
    const all = { ...DEFAULTS, ...options };
    expect([decide(all, SOURCE, old, true), decide(all, SOURCE, old, false)]).toEqual([small, long]);
  });
});

test.each<[what: string, options: Partial<UpToDateOptions>, isStream: boolean, old: Attributes, expected: string]>([
  ['up to date', {}, false, SAME_SECOND, 'skip'],
  ['that may be', {}, false, OLDER, 'compare'],
  ['that is not', {}, false, OTHER_SIZE, 'copy'],
  ['that has to be read to its end', {}, true, SAME_SECOND, 'copy'],
])('a named file %s', async (_, options, isStream, old, expected) => {
  const done: string[] = [];
  const sink: PlanSink<PlannedFile> = {
    add: async ({ isCompared }) => void done.push(isCompared ? 'compare' : 'copy'),
    skip: () => void done.push('skip'),
    fail: () => {},
    made: () => {},
    wouldRemove: () => {},
  };
  const file = { paths: { source: 's', target: 't' }, size: 10, isStream, replaces: true };
  await decideNamed({ ...DEFAULTS, ...options }, sink, file, SOURCE, old);
  expect(done).toEqual([expected]);
});

test.each<
  [what: string, options: { preserve?: boolean; isDryRun?: boolean }, old: Attributes | undefined, set: string[]]
>([
  ['right already', {}, SAME_SECOND, []],
  ['of another time', {}, OLDER, ['time']],
  ['of another mode', {}, { ...SAME_SECOND, mode: 0o600 }, ['644']],
  ['of which nothing is told', {}, NO_TIME, ['time']],
  ['whose attributes are not kept', { preserve: false }, OLDER, []],
  ['in a dry run', { isDryRun: true }, OLDER, []],
])('a target with the right contents, %s', async (_, options, old, set) => {
  const side = new MemoryTree().file('/t/f');
  const target = { path: Buffer.from('/t/f'), old, attributes: SOURCE };
  await setWanted({ preserve: true, isDryRun: false, ...options }, side, target);
  expect(side.changedBy('setAttributes')).toEqual(set.map((one) => `/t/f ${one}`));
});
