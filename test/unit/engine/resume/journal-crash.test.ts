/** What is on the disk when the process ends between two steps of the file system, or one of them fails. */
import type { FileHandle } from 'node:fs/promises';
import { copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Journal } from '../../../../src/engine/resume/journal.ts';
import { type JournalScene, journalScene } from './journal-scene.ts';
import { digestA } from './sample.ts';

const disk = vi.hoisted(() => ({
  /** Calls that are still carried out; after them nothing happens any more, and nobody gets an answer. */
  callsLeft: Number.POSITIVE_INFINITY,
  crashed: () => {},
  /** Names of calls that fail. */
  failing: [] as string[],
  calls: [] as string[],
  /** What the end of a process would have closed. */
  handles: [] as { close(): Promise<void> }[],
}));

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>();
  type Call = (...args: unknown[]) => Promise<unknown>;
  const step = (name: string, call: Call, half?: Call): Call => {
    return async (...args) => {
      if (disk.callsLeft-- <= 0) {
        if (disk.callsLeft === -1) await half?.(...args);
        disk.crashed();
        return new Promise(() => {});
      }
      disk.calls.push(name);
      if (disk.failing.includes(name)) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
      return call(...args);
    };
  };
  const watched = (handle: FileHandle, name: string): FileHandle => {
    disk.handles.push(handle);
    const append: Call = (data) => handle.appendFile(data as string);
    const appendHalf: Call = (data) => handle.appendFile(Buffer.from(data as string).subarray(0, -30));
    const methods: Record<string, Call> = {
      appendFile: step(`append ${name}`, append, appendHalf),
      sync: step(`sync ${name}`, () => handle.sync()),
      datasync: step(`sync ${name}`, () => handle.datasync()),
    };
    return new Proxy(handle, {
      get(target, key) {
        const value: unknown = methods[String(key)] ?? Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  const nameOf = (path: string): string =>
    path.endsWith('.tmp') ? 'temporary' : path.endsWith('.journal') ? 'journal' : 'directory';
  return {
    ...real,
    open: async (path: string, ...rest: never[]) => {
      const name = nameOf(path);
      return (await step(`open ${name}`, async () => watched(await real.open(path, ...rest), name))()) as FileHandle;
    },
    rename: step('rename', (from, to) => real.rename(from as string, to as string)),
    unlink: step('unlink', (path) => real.unlink(path as string)),
  };
});

async function closeAll(): Promise<void> {
  for (const handle of disk.handles.splice(0)) await handle.close().catch(() => {});
}

beforeEach(() => {
  Object.assign(disk, { callsLeft: Number.POSITIVE_INFINITY, crashed: () => {}, failing: [], calls: [] });
});
afterEach(closeAll);

/** Ends the process, so to speak, after `calls` steps of `action`; answers whether it came to its end before. */
async function crashAfter(calls: number, action: () => Promise<void>): Promise<boolean> {
  const crash = new Promise<boolean>((resolve) => {
    disk.crashed = () => resolve(false);
  });
  disk.callsLeft = calls;
  const survived = await Promise.race([action().then(() => true), crash]);
  disk.callsLeft = Number.POSITIVE_INFINITY;
  await closeAll();
  return survived;
}

async function knownAfterwards(scene: JournalScene) {
  const journal = await scene.open();
  return journal?.known;
}

/** So many lines that are waste are almost enough for a journal to be written anew. */
const MUCH_WASTE = 15_000;

/** A journal of which a part is known, and so many lines of which are waste. */
async function prepared(waste = 10): Promise<JournalScene & { reset(): Promise<Journal> }> {
  const scene = await journalScene();
  const journal = await scene.create();
  journal.record({ offset: 0, length: 100 }, 'acknowledged', digestA);
  journal.record({ offset: 300, length: 100 }, 'durable');
  for (let i = 0; i < waste; i++) {
    journal.sawStaged({ size: 1, atMs: 1_700_000_000_000 + i });
    if (i % 5000 === 0) await journal.flush();
  }
  await journal.close();
  const original = `${scene.dir}/original`;
  await copyFile(scene.path, original);
  const reset = async (): Promise<Journal> => {
    await rm(dirname(scene.path), { recursive: true });
    await mkdir(dirname(scene.path));
    await copyFile(original, scene.path);
    return (await scene.open())!;
  };
  return { ...scene, reset };
}

const changes: [string, (journal: Journal) => void, RegExp][] = [
  ['an append', (journal) => journal.record({ offset: 0, length: 100 }, 'durable'), /^open journal,append journal/],
  [
    'a compaction',
    (journal) => {
      journal.record({ offset: 0, length: 100 }, 'durable');
      for (let i = 0; i < 3000; i++) journal.sawStaged({ size: 2, atMs: 1_800_000_000_000 + i });
    },
    /append journal,sync journal,open temporary,append temporary,sync temporary,rename,open directory,sync directory$/,
  ],
  [
    'something forgotten',
    (journal) => journal.forget({ offset: 0, length: 50 }),
    /^open temporary,append temporary,sync temporary,rename,open directory,sync directory$/,
  ],
];

test.each(changes)('a crash at any step of %s leaves the old or the new', async (what, change, steps) => {
  const scene = await prepared(what === 'a compaction' ? MUCH_WASTE : undefined);
  const before = (await scene.reset()).known;
  const whole = await scene.reset();
  change(whole);
  disk.calls = [];
  await whole.flush();
  const total = disk.calls.length;
  expect(disk.calls.join()).toMatch(steps);
  const after = whole.known;
  await whole.close();
  expect(after).not.toEqual(before);
  let seen = 0;
  for (let calls = 0; calls < total; calls++) {
    const journal = await scene.reset();
    change(journal);
    expect(await crashAfter(calls, () => journal.flush())).toBe(false);
    const known = await knownAfterwards(scene);
    expect([before, after], `after ${calls} steps`).toContainEqual(known);
    if (JSON.stringify(known) === JSON.stringify(after)) seen++;
    const next = (await scene.open())!;
    next.record({ offset: 900, length: 1 }, 'durable');
    await next.close();
    expect(await knownAfterwards(scene), 'gone on').toEqual([...known!, { offset: 900, length: 1, state: 'durable' }]);
  }
  expect(seen).toBeGreaterThan(0);
});

test('a crash at any step of making a new one leaves the old or the new', async () => {
  const scene = await prepared();
  const before = (await scene.reset()).known;
  for (let calls = 0, survived = false; !survived; calls++) {
    await scene.reset();
    survived = await crashAfter(calls, async () => void (await scene.create()));
    expect([before, []]).toContainEqual(await knownAfterwards(scene));
  }
  expect(await knownAfterwards(scene)).toEqual([]);
});

test('a disk that is full is told once; what is true stays for the next run', async () => {
  const scene = await prepared();
  const journal = await scene.reset();
  const before = journal.known;
  disk.failing = ['append journal'];
  journal.record({ offset: 500, length: 1 }, 'durable');
  await Promise.all([journal.flush(), journal.flush()]);
  journal.record({ offset: 600, length: 1 }, 'durable');
  await journal.close();
  expect(scene.failures).toMatchObject([{ code: 'local-io' }]);
  expect(await knownAfterwards(scene)).toEqual(before);
});

test.each(['open temporary', 'append temporary', 'sync temporary', 'rename'])(
  'where %s fails, a journal that says too much is removed',
  async (failing) => {
    const scene = await prepared();
    const journal = await scene.reset();
    disk.failing = [failing];
    journal.forget({ offset: 0, length: 1 });
    await journal.close();
    expect(scene.failures).toMatchObject([{ code: 'local-io' }]);
    expect(await readdir(dirname(scene.path))).toEqual([]);
  },
);

test('what is forgotten after a failure is not left on the disk either', async () => {
  const scene = await prepared();
  const journal = await scene.reset();
  disk.failing = ['append journal'];
  journal.record({ offset: 500, length: 1 }, 'durable');
  await journal.flush();
  expect(await readdir(dirname(scene.path))).toEqual([basename(scene.path)]);
  journal.forget({ offset: 500, length: 1 });
  await journal.flush();
  expect(await readdir(dirname(scene.path))).toEqual([]);
  expect(scene.failures.length).toBe(1);
  await journal.finish();
  expect(scene.failures.length).toBe(1);
});

test('one that cannot be removed at the end is told', async () => {
  const scene = await prepared();
  const journal = await scene.reset();
  disk.failing = ['unlink'];
  await journal.finish();
  expect(scene.failures).toMatchObject([{ message: expect.stringContaining('cannot be removed: ENOSPC') }]);
  expect(await readFile(scene.path, 'utf8')).toContain(digestA);
});
