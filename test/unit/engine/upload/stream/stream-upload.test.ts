/** Sources whose size says nothing: of /proc and /sys, which hold still, behind links. */
import { readFileSync, statSync } from 'node:fs';
import { rename, symlink, unlink } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { MemoryFaults } from '../../../../support/memory-remote.ts';
import { stagedName } from '../../../../support/memory-remote.ts';
import { byTier } from '../../../../support/tier.ts';
import {
  filesOf,
  notices,
  type UploadScene,
  type UploadSettings,
  uploadScene,
} from '../../../../support/upload-scene.ts';

const KIB = 1024;
/** Says it has 0 bytes, and has some megabytes. */
const LARGE = '/proc/kallsyms';
const SMALL = '/proc/version';
/** Says it has 4096 bytes, and has fewer. */
const SHORT = '/sys/kernel/mm/transparent_hugepage/enabled';
const LARGE_ENOUGH = 3 * 1024 * KIB;
const STREAMS = [LARGE, SMALL, SHORT].filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());

async function sceneOf(path: string, faults: Partial<MemoryFaults> = {}): Promise<UploadScene> {
  const scene = await uploadScene([undefined], { sliceLength: 256 * KIB, ...faults });
  await symlink(path, scene.sources[0]!);
  scene.remote.put('/home/0', Buffer.from('the old one'));
  return scene;
}

function expectThere({ remote }: UploadScene, path: string, content: Buffer = readFileSync(path)): void {
  expect(remote.contents('/home/0')?.equals(content)).toBe(true);
  expect(remote.contents(stagedName('/home/0')), 'nothing staged is left').toBeUndefined();
}

function expectOld({ remote }: UploadScene): void {
  expect(remote.contents('/home/0')?.toString()).toBe('the old one');
  expect(remote.contents(stagedName('/home/0')), 'nothing staged is left').toBeUndefined();
}

/** Some containers hide it. */
function hasLarge(): boolean {
  return STREAMS.includes(LARGE) && readFileSync(LARGE).length >= LARGE_ENOUGH;
}

describe.skipIf(!hasLarge())(`a stream${hasLarge() ? '' : ` [skipped: no ${LARGE}]`}`, () => {
  const kinds: readonly (readonly [string, Partial<UploadSettings>, Partial<MemoryFaults>, string])[] = [
    ['auto, by digest', { verify: 'auto' }, { digestMethods: ['helper'] }, 'byDigest'],
    ['auto, without digests', { verify: 'auto' }, {}, 'bySize'],
    ['hash', { verify: 'hash' }, { digestMethods: ['check-file'] }, 'byDigest'],
    ['read-back', { verify: 'read-back' }, {}, 'byReadBack'],
    ['size', { verify: 'size' }, {}, 'bySize'],
    ['none', { verify: 'none' }, {}, 'notVerified'],
    ['in place', { verify: 'size', inplace: true }, {}, 'bySize'],
    ['without the attributes', { verify: 'size', preserve: false }, {}, 'bySize'],
    ['to a server for one writer', { verify: 'size' }, { writers: 'one' }, 'bySize'],
  ];
  // The system takes long to make the large one up: in the quick tier four kinds have it, and all have the others.
  const ofLarge = byTier(
    ['auto, by digest', 'read-back', 'in place', 'to a server for one writer'],
    kinds.map(([kind]) => kind),
  );
  const cases = STREAMS.flatMap((path) =>
    kinds.filter(([kind]) => path !== LARGE || ofLarge.includes(kind)).map((kind) => [path, ...kind] as const),
  );
  test.each(cases)('%s arrives whole, %s', async (path, _, options, faults, by) => {
    const scene = await sceneOf(path, faults);
    const outcome = await scene.run(options);
    expect(outcome.error).toBeUndefined();
    const content = readFileSync(path);
    const size = content.length;
    expectThere(scene, path, content);
    const none = { byDigest: 0, byReadBack: 0, bySize: 0, notVerified: 0 };
    expect(outcome).toMatchObject({ filesDone: 1, bytesSent: size, verified: { ...none, [by]: size } });
    expect(filesOf(scene.events).map((event) => [event.state, event.size, event.isSizeKnown])).toEqual([
      ['started', 0, false],
      ['committing', size, undefined],
      ['done', size, undefined],
    ]);
    expect(scene.events).toContainEqual(expect.objectContaining({ type: 'plan', bytes: 0, isTotalKnown: false }));
  });

  test('progress tells no total, and then the right one', async () => {
    const scene = await sceneOf(LARGE);
    scene.remote.onWrite = () => new Promise((resolve) => setTimeout(resolve, 50));
    await scene.run();
    const progress = scene.events.filter((event) => event.type === 'progress');
    const under = progress.filter(({ isTotalKnown }) => isTotalKnown === false);
    expect(progress.filter((event) => !under.includes(event)).every(({ filesDone }) => filesDone === 1)).toBe(true);
    expect(under.length).toBeGreaterThan(0);
    for (const event of under) {
      expect(event.bytesTotal).toBe(event.bytesDone);
      expect(event.etaMs).toBeUndefined();
    }
  });

  test('begins anew as often as its connection is lost, if it comes further each time', async () => {
    const scene = await sceneOf(LARGE);
    let stored = 0;
    let best = 0;
    scene.remote.onWrite = (connection, { offset, length }) => {
      stored = offset === 0 ? length : stored + length;
      if (stored <= best + 300 * KIB) return;
      best = stored;
      scene.remote.lose(connection);
    };
    const outcome = await scene.run();
    expect(outcome.error).toBeUndefined();
    expectThere(scene, LARGE);
    expect(notices(scene.events).filter((code) => code === 'started-over').length).toBeGreaterThan(6);
  });

  test('ends when it comes no further for the time to retry', async () => {
    const scene = await sceneOf(LARGE);
    scene.remote.onWrite = (connection, { offset }) => {
      if (offset > 1024 * KIB) scene.remote.lose(connection);
    };
    const outcome = await scene.run({ retryForMs: 300 });
    expect(outcome.error).toMatchObject({ code: 'connection-lost', exitCode: 5 });
    expect(scene.remote.contents('/home/0')?.toString()).toBe('the old one');
  });

  test('is sent again where the server has it wrong', async () => {
    const scene = await sceneOf(LARGE, { digestMethods: ['helper'] });
    let isFirst = true;
    const spoil = (): void => {
      const staged = scene.remote.contents(stagedName('/home/0'));
      if (isFirst && staged !== undefined && staged.length > 2000 * KIB) {
        isFirst = false;
        staged[1000 * KIB] = staged[1000 * KIB]! ^ 1;
      }
    };
    scene.remote.onWrite = spoil;
    const outcome = await scene.run({ verify: 'auto' });
    expect(outcome.error).toBeUndefined();
    expectThere(scene, LARGE);
    expect(notices(scene.events)).toContain('started-over');
    expect(outcome.verified.byDigest).toBe(readFileSync(LARGE).length);
  });

  test.each(['auto', 'read-back'] as const)('fails where the server has it wrong each time (%s)', async (verify) => {
    const scene = await sceneOf(SMALL, { digestMethods: ['helper'] });
    const { store } = scene.remote;
    scene.remote.store = (path, offset, bytes) => store.call(scene.remote, path, offset, Buffer.alloc(bytes.length));
    const outcome = await scene.run({ verify });
    expect(outcome.error).toMatchObject({ code: 'integrity', exitCode: 9 });
    expectOld(scene);
  });

  test('a provider that is wrong is not believed', async () => {
    const scene = await sceneOf(LARGE, { digestMethods: ['check-file', 'shell'] });
    scene.remote.onDigest = (method, { length }) =>
      method === 'check-file' && length > 64 * KIB ? Buffer.alloc(32) : undefined;
    const outcome = await scene.run({ verify: 'hash' });
    expect(outcome.error).toBeUndefined();
    expectThere(scene, LARGE);
    expect(notices(scene.events)).toContain('digests');
    expect(notices(scene.events)).not.toContain('started-over');
  });

  test('of which the name comes to mean another file has changed', async () => {
    const scene = await sceneOf(LARGE);
    const [source] = scene.sources;
    let isFirst = true;
    scene.remote.onWrite = async () => {
      if (!isFirst) return;
      isFirst = false;
      await symlink(SMALL, `${source}.new`);
      await rename(`${source}.new`, source!);
    };
    const outcome = await scene.run();
    expect(outcome.error).toMatchObject({ code: 'source-changed', exitCode: 10 });
    expectOld(scene);
  });

  test('that is gone has changed', async () => {
    const scene = await sceneOf(LARGE);
    scene.remote.onWrite = (_, { offset }) => (offset === 0 ? unlink(scene.sources[0]!) : undefined);
    const outcome = await scene.run();
    expect(outcome.error).toMatchObject({ code: 'source-changed', exitCode: 10 });
    expectOld(scene);
  });

  test('is stopped with the run, and leaves nothing', async () => {
    const scene = await sceneOf(LARGE);
    scene.remote.onWrite = (_, { offset }) => {
      if (offset > 1024 * KIB) scene.stop.abort();
    };
    const outcome = await scene.run();
    expect(outcome.error).toMatchObject({ code: 'cancelled' });
    expectOld(scene);
  });

  test('of unknown size is told of before it would be copied', async () => {
    const scene = await sceneOf(SMALL);
    const outcome = await scene.run({ dryRun: true });
    expect(outcome.error).toBeUndefined();
    expect(filesOf(scene.events)).toEqual([expect.objectContaining({ state: 'would-copy', isSizeKnown: false })]);
    expectOld(scene);
  });

  test('goes beside ordinary files', async () => {
    const scene = await uploadScene([undefined, 3_000_000, undefined, 0], { digestMethods: ['helper'] });
    await symlink(SMALL, scene.sources[0]!);
    await symlink(LARGE, scene.sources[2]!);
    const outcome = await scene.run({ verify: 'auto' });
    expect(outcome.error).toBeUndefined();
    const sizes = scene.sources.map((path) => readFileSync(path).length);
    scene.sources.forEach((path, index) => {
      expect(scene.remote.contents(`/home/${index}`)?.equals(readFileSync(path)), path).toBe(true);
    });
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(outcome).toMatchObject({ filesDone: 4, bytesSent: total, verified: { byDigest: total } });
  });
});
