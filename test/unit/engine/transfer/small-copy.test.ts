import { appendFile, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { contents, notices } from '../../../support/upload-scene.ts';
import { smallCopyScene, type Way } from './small-copy-scene.ts';

const KIB = 1024;
const SIZES = [0, 1, 4 * KIB, 100 * KIB, 256 * KIB];
const BYTES = SIZES.reduce((sum, size) => sum + size, 0);
const WAYS = ['upload', 'download'] as const;

describe.each(WAYS)('%s of small files', (way: Way) => {
  test.each([
    ['auto', ['shell'], 'byDigest'],
    ['auto', [], 'bySize'],
    ['hash', ['shell'], 'byDigest'],
    ['size', ['shell'], 'bySize'],
    ['none', ['shell'], 'notVerified'],
  ] as const)('--verify %s, and the server hashes by %j: %s', async (verify, digestMethods, by) => {
    const { run, expectArrived } = await smallCopyScene(way, SIZES, { digestMethods: [...digestMethods] });
    const outcome = await run({ verify });
    expect(outcome).toMatchObject({ filesDone: SIZES.length, filesFailed: 0, error: undefined });
    expect(outcome.verified[by]).toBe(BYTES);
    await expectArrived();
  });

  test('--verify hash, and the server cannot hash: nothing is published', async () => {
    const { run, namesAtTarget } = await smallCopyScene(way, [1, 10]);
    const outcome = await run({ verify: 'hash' });
    expect(outcome).toMatchObject({ hasEndedRun: true, error: { code: 'no-digests', exitCode: 9 } });
    expect(await namesAtTarget()).toEqual([]);
  });

  test('a connection that is lost in the middle of many files costs none of them', async () => {
    const sizes = Array.from({ length: 60 }, (_, n) => n * 500);
    const scene = await smallCopyScene(way, sizes, { loseAfter: { 1: [50_000], 2: [100_000, 100_000] } });
    expect(await scene.run({ verify: 'size' })).toMatchObject({ filesDone: 60, filesFailed: 0 });
    // What was staged over a connection that is gone stays until a later run removes it.
    for (const name of scene.remote.files.keys()) if (name.includes('.staged')) scene.remote.files.delete(name);
    await scene.expectArrived();
  });

  test('a digest that is wrong once is not believed', async () => {
    const scene = await smallCopyScene(way, [10 * KIB, 20 * KIB], { digestMethods: ['shell'] });
    let asked = 0;
    scene.remote.onDigest = (_, { length }) => (length === 20 * KIB && ++asked === 3 ? Buffer.alloc(32) : undefined);
    expect(await scene.run()).toMatchObject({ filesDone: 2, filesFailed: 0 });
    await scene.expectArrived();
  });

  test('a run that is stopped leaves nothing half-written', async () => {
    const scene = await smallCopyScene(way, new Array<number>(30).fill(10 * KIB));
    const hook = way === 'upload' ? 'onWrite' : 'onRead';
    let count = 0;
    scene.remote[hook] = () => {
      if (++count === 10) scene.stop.abort();
    };
    expect(await scene.run()).toMatchObject({ hasEndedRun: true, error: { code: 'cancelled' } });
    const names = await scene.namesAtTarget();
    for (const name of names) {
      if (/^\d+$/.test(name)) expect((await scene.arrived(name))?.equals(contents(10 * KIB, Number(name)))).toBe(true);
    }
    if (way === 'download') expect(names.filter((name) => !/^\d+$/.test(name))).toEqual([]);
  });

  test('one that always fails does not stop the others', async () => {
    const scene = await smallCopyScene(way, [100, 200, 300]);
    if (way === 'upload') scene.remote.directories.add('/home/tree/1');
    else await import('node:fs/promises').then(({ mkdir }) => mkdir(scene.local('1')));
    const outcome = await scene.run();
    expect(outcome).toMatchObject({ filesDone: 2, filesFailed: 1, error: { code: 'destination-is-directory' } });
  });
});

describe('upload', () => {
  test('--verify read-back', async () => {
    const { run, expectArrived } = await smallCopyScene('upload', SIZES);
    expect((await run({ verify: 'read-back' })).verified.byReadBack).toBe(BYTES);
    await expectArrived();
  });

  test('bytes that are wrong once are sent again', async () => {
    const scene = await smallCopyScene('upload', [10 * KIB]);
    let isSpoilt = false;
    const store = scene.remote.store.bind(scene.remote);
    scene.remote.store = (path, offset, bytes) => {
      const wrong = Buffer.from(bytes);
      if (!isSpoilt) wrong[5]! ^= 1;
      isSpoilt = true;
      store(path, offset, wrong);
    };
    expect(await scene.run({ verify: 'read-back' })).toMatchObject({ filesDone: 1, filesFailed: 0 });
    await scene.expectArrived();
  });

  test('bytes that are always wrong are never published, and nothing is left', async () => {
    const scene = await smallCopyScene('upload', [10 * KIB, 100]);
    const store = scene.remote.store.bind(scene.remote);
    scene.remote.store = (path, offset, bytes) => {
      const wrong = Buffer.from(bytes);
      if (path.includes('/0')) wrong[5]! ^= 1;
      store(path, offset, wrong);
    };
    const outcome = await scene.run({ verify: 'read-back' });
    expect(outcome).toMatchObject({ filesDone: 1, filesFailed: 1, error: { code: 'integrity' } });
    expect(scene.remote.contents('/home/tree/0')).toBeUndefined();
  });

  test('a rename whose answer is lost has succeeded', async () => {
    const scene = await smallCopyScene('upload', [100, 200, 300], { loseRenameAnswers: 2 });
    expect(await scene.run()).toMatchObject({ filesDone: 3, filesFailed: 0 });
    await scene.expectArrived();
  });

  test('a source that changes meanwhile is not published as a mixture', async () => {
    const scene = await smallCopyScene('upload', [100, 200]);
    scene.remote.onWrite = (_, { length }) => (length === 100 ? appendFile(scene.local('0'), 'x') : undefined);
    const outcome = await scene.run();
    const there = scene.remote.contents('/home/tree/0');
    if (there === undefined) expect(outcome).toMatchObject({ filesFailed: 1, error: { code: 'source-changed' } });
    else expect(there.length).toBeGreaterThan(100);
    expect(scene.remote.contents('/home/tree/1')).toHaveLength(200);
  });

  test('a target that somebody else makes meanwhile stays', async () => {
    const scene = await smallCopyScene('upload', [100]);
    scene.remote.onWrite = () => scene.remote.put('/home/tree/0', Buffer.from('theirs'));
    expect(await scene.run()).toMatchObject({ filesDone: 0, error: { code: 'target-busy' } });
    expect(scene.remote.contents('/home/tree/0')?.toString()).toBe('theirs');
    expect([...scene.remote.files.keys()]).toEqual(['/home/tree/0']);
  });
});

describe('download', () => {
  test('a source that changed since it was listed is read as it is now', async () => {
    const scene = await smallCopyScene('download', [100, 200]);
    const list = scene.remote.put.bind(scene.remote);
    let isChanged = false;
    scene.remote.onRead = () => {
      if (!isChanged) list('/home/tree/1', contents(250, 9));
      isChanged = true;
    };
    await scene.run();
    const read = await scene.arrived('1');
    expect([contents(250, 9), contents(200, 1)].some((bytes) => read?.equals(bytes))).toBe(true);
  });

  test('a source that never stays the same fails alone, and nothing is left', async () => {
    const scene = await smallCopyScene('download', [100, 200]);
    let size = 300;
    scene.remote.onRead = (_, { length }) => {
      if (length !== 100) scene.remote.put('/home/tree/1', contents(size++, 9));
    };
    expect(await scene.run()).toMatchObject({ filesDone: 1, filesFailed: 1, error: { code: 'source-changed' } });
    await scene.expectArrived([1]);
  });

  test('a target that somebody else makes meanwhile stays', async () => {
    const scene = await smallCopyScene('download', [100]);
    scene.remote.onRead = () => writeFile(scene.local('0'), 'theirs');
    expect(await scene.run()).toMatchObject({ filesDone: 0, error: { code: 'target-busy' } });
    expect((await scene.arrived('0'))?.toString()).toBe('theirs');
    expect(await scene.namesAtTarget()).toEqual(['0']);
  });

  test('what arrives with other bytes than the server hashes is never written', async () => {
    const scene = await smallCopyScene('download', [10 * KIB], { digestMethods: ['shell'] });
    scene.remote.onDigest = (_, { offset, length }) =>
      offset === 0 && length === 10 * KIB ? Buffer.alloc(32, 1) : undefined;
    const outcome = await scene.run();
    // The provider is dropped because reading back shows the same bytes.
    expect(outcome).toMatchObject({ filesDone: 1, verified: { byDigest: 0, bySize: 10 * KIB } });
    expect(notices(scene.events)).toContain('digests');
    await scene.expectArrived();
  });
});
