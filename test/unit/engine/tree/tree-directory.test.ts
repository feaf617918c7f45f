import { expect, test } from 'vitest';
import { isSameDirectory } from '../../../../src/engine/tree/same-directory.ts';
import { TaskGroup } from '../../../../src/engine/tree/task-group.ts';
import {
  type DirectoryPlace,
  type DirectoryServices,
  isSameSecond,
  TreeDirectory,
} from '../../../../src/engine/tree/tree-directory.ts';
import { CopyError } from '../../../../src/errors.ts';
import type { Attributes } from '../../../../src/remotes/remote.ts';
import { deferred } from '../../../../src/util/deferred.ts';
import { MemoryTree, MTIME_MS } from '../../../support/memory-tree.ts';
import { turns } from '../../../support/turns.ts';

const SOURCE: Attributes = { kind: 'directory', size: 0, mode: 0o750, mtimeMs: MTIME_MS };
const OTHER_MS = 1_500_000_000_000;

function scene(options: Partial<DirectoryServices> = {}) {
  const target = new MemoryTree().directory('/t');
  const tasks = new TaskGroup(8);
  const warnings: string[] = [];
  const services: DirectoryServices = {
    target,
    preserve: true,
    isDryRun: false,
    onWarning: (message) => warnings.push(message),
    run: (work) => tasks.add(work),
    ...options,
  };
  const make = (path: string, more: Partial<DirectoryPlace> = {}, parent?: TreeDirectory): TreeDirectory => {
    const place = {
      source: Buffer.from(`/s/${path}`),
      realSource: Buffer.from(`/s/${path}`),
      target: Buffer.from(`/t/${path}`),
      attributes: SOURCE,
      existing: undefined,
      ...more,
    };
    return new TreeDirectory(services, place, parent);
  };
  return { target, tasks, warnings, make };
}

test('is created once, its parents before it, however many children ask for it', async () => {
  const { target, make } = scene();
  const outer = make('a');
  const inner = make('a/b', {}, outer);
  const deepest = make('a/b/c', {}, inner);
  await Promise.all([deepest.ready(), deepest.ready(), inner.ready(), outer.ready()]);
  expect(target.changes).toEqual(['makeDirectory /t/a', 'makeDirectory /t/a/b', 'makeDirectory /t/a/b/c']);
});

test('gets its mode and time once, when its last child has ended, those inside before those outside', async () => {
  const { target, tasks, make } = scene();
  const outer = make('a');
  const inner = make('a/b', {}, outer);
  await inner.ready();
  inner.begin();
  inner.begin();
  outer.end(false);
  inner.end(false);
  inner.end(true);
  await tasks.ended();
  expect(target.changedBy('setAttributes')).toEqual([]);
  inner.end(true);
  await tasks.ended();
  expect(target.changedBy('setAttributes')).toEqual(['/t/a/b 750', '/t/a/b time', '/t/a 750', '/t/a time']);
  expect(target.attributesAt('/t/a')).toMatchObject({ mode: 0o750, mtimeMs: MTIME_MS });
  const calls = target.calls.filter((call) => /syncDirectory|setAttributes/.test(call));
  expect(calls[0]).toBe('syncDirectory /t/a/b');
});

test.each<[what: string, existing: Attributes, isChanged: boolean, set: string[]]>([
  ['as its source', SOURCE, false, []],
  ['of another mode', { ...SOURCE, mode: 0o700 }, false, ['750']],
  ['of another time', { ...SOURCE, mtimeMs: OTHER_MS }, false, ['time']],
  ['in which a file was replaced', SOURCE, true, ['time']],
  ['of which the server tells nothing', { kind: 'directory', size: 0 }, false, ['time']],
])('one that exists, %s, gets what it lacks', async (_, existing, isChanged, set) => {
  const { target, tasks, make } = scene();
  target.directory('/t/a', existing.mode, existing.mtimeMs);
  const directory = make('a', { existing });
  await directory.ready();
  directory.end(isChanged);
  await tasks.ended();
  expect(target.changedBy('setAttributes')).toEqual(set.map((one) => `/t/a ${one}`));
  expect(target.changedBy('makeDirectory')).toEqual([]);
});

test('one that is read-only at its source is filled first', async () => {
  const { target, tasks, make } = scene();
  const directory = make('a', { attributes: { ...SOURCE, mode: 0o555 } });
  await directory.ready();
  expect(target.attributesAt('/t/a')?.mode).toBe(0o755);
  directory.end(true);
  await tasks.ended();
  expect(target.attributesAt('/t/a')?.mode).toBe(0o555);
});

test.each([
  ['without the attributes of the source', { preserve: false }, {}],
  ['as the place that the user has named', {}, { isGiven: true }],
])('one that is read-only at the target, %s, is so again in the end', async (_, services, place) => {
  const { target, tasks, make } = scene(services);
  target.directory('/t/a', 0o500, OTHER_MS);
  const directory = make('a', { existing: { kind: 'directory', size: 0, mode: 0o500, mtimeMs: OTHER_MS }, ...place });
  await directory.ready();
  expect(target.attributesAt('/t/a')?.mode).toBe(0o700);
  directory.end(true);
  await tasks.ended();
  expect(target.attributesAt('/t/a')).toMatchObject({ mode: 0o500, mtimeMs: OTHER_MS });
});

test('never gets setuid, setgid or sticky', async () => {
  const { target, tasks, make } = scene();
  const directory = make('a', { attributes: { ...SOURCE, mode: 0o7777 } });
  await directory.ready();
  directory.end(false);
  await tasks.ended();
  expect(target.attributesAt('/t/a')?.mode).toBe(0o777);
});

test('one that cannot be created fails for each child, is asked for once, and its parent still ends', async () => {
  const { target, tasks, make } = scene();
  target.refuse('makeDirectory', '/t/a/b');
  const outer = make('a');
  const inner = make('a/b', {}, outer);
  const deepest = make('a/b/c', {}, inner);
  for (const directory of [inner, inner, deepest]) {
    await expect(directory.ready()).rejects.toMatchObject({ code: 'destination-permission' });
  }
  deepest.end(false);
  inner.end(false);
  outer.end(false);
  await tasks.ended();
  expect(target.calls.filter((call) => call.startsWith('makeDirectory'))).toEqual([
    'makeDirectory /t/a',
    'makeDirectory /t/a/b',
  ]);
  expect(target.changedBy('setAttributes')).toEqual(['/t/a 750', '/t/a time']);
});

test('attributes that cannot be set are a warning', async () => {
  const { target, tasks, warnings, make } = scene();
  target.refuse('setAttributes', '/t/a');
  const directory = make('a');
  await directory.ready();
  directory.end(false);
  await tasks.ended();
  expect(warnings).toEqual([expect.stringContaining('The mode or time of /t/a could not be set')]);
});

test('a failure that ends the run is that of the group', async () => {
  const { target, tasks, make } = scene();
  const directory = make('a');
  await directory.ready();
  target.onCall = () => {
    throw new CopyError('no-connection', 'All are gone.');
  };
  directory.end(true);
  await expect(tasks.ended()).rejects.toMatchObject({ code: 'no-connection' });
});

test('nothing is created or set in a dry run', async () => {
  const { target, tasks, make } = scene({ isDryRun: true });
  const outer = make('a');
  const inner = make('a/b', {}, outer);
  await inner.ready();
  inner.end(true);
  outer.end(false);
  await tasks.ended();
  expect(target.calls).toEqual([]);
});

test('those that wait for a directory that is being created continue when it is there', async () => {
  const { target, make } = scene();
  const gate = deferred<void>();
  target.onCall = () => gate.promise;
  const directory = make('a');
  let ready = 0;
  for (let child = 0; child < 3; child++) void directory.ready().then(() => ready++);
  await turns();
  expect(ready).toBe(0);
  gate.resolve();
  await turns();
  expect(ready).toBe(3);
});

test.each([
  [1000, 1999, true],
  [1999, 2000, false],
  [-1, -1000, true],
  [-1, 0, false],
  [undefined, undefined, false],
  [0, undefined, false],
])('%s and %s ms are in the same second: %s', (one, other, expected) => {
  expect(isSameSecond(one, other)).toBe(expected);
});

test('a directory is the same as itself and as those above it', () => {
  const { make } = scene();
  const inner = make('a/b', {}, make('a'));
  const isSame = (path: string): boolean => isSameDirectory(inner, Buffer.from(path));
  expect(['/s/a/b', '/s/a', '/s', '/s/a/b/c', '/s/a/'].map(isSame)).toEqual([true, true, false, false, false]);
});
