import { describe, expect, onTestFinished, test } from 'vitest';
import type { JournalStore } from '../../../../src/engine/resume/file-journal.ts';
import { Destination } from '../../../../src/engine/transfer/destination.ts';
import { type TreeOptions, TreePlan } from '../../../../src/engine/transfer/plan-trees.ts';
import { Filters } from '../../../../src/engine/tree/filters.ts';
import type { TreeFile } from '../../../../src/engine/tree/tree-walk.ts';
import { MemoryTree, MTIME_MS } from '../../../support/memory-tree.ts';
import { makeTempDir } from '../../../support/temp-dir.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

interface SceneOptions extends Partial<TreeOptions> {
  readonly source: MemoryTree;
  readonly target?: MemoryTree;
  /** Paths of the sources. */
  readonly sources?: readonly string[];
  readonly destination?: string;
  readonly journals?: JournalStore;
}

async function scene({ source, target = new MemoryTree(), ...more }: SceneOptions) {
  const { sources = ['/s'], destination: at = '/d', journals, ...options } = more;
  const files: TreeFile[] = [];
  const compared: boolean[] = [];
  const skipped: string[] = [];
  const made: string[] = [];
  const failures: string[] = [];
  const notices: string[] = [];
  const connection = {
    stat: (path: Uint8Array) => target.stat(Buffer.from(path)),
    lstat: (path: Uint8Array) => target.lstat(Buffer.from(path)),
    realPath: (path: Uint8Array) => target.realPath(Buffer.from(path)),
    makeDirectory: (path: Uint8Array) => target.makeDirectory(Buffer.from(path), undefined),
  };
  const destination = await Destination.resolve(connection, Buffer.from(at), sources.length > 1);
  const all: TreeOptions = {
    filters: new Filters([]),
    links: 'follow',
    only: undefined,
    isDryRun: false,
    checksum: false,
    force: false,
    ignoreExisting: false,
    preserve: true,
    ...options,
  };
  const plan = new TreePlan(
    { source, target, destination, direction: 'upload', journals, refuseName: undefined },
    all,
    { emit: () => {}, notice: (code, message) => void notices.push(`${code}: ${message}`) },
    {
      onFile: async (file, isCompared) => {
        files.push(file);
        compared.push(isCompared);
        target.file(file.target.toString('latin1'), file.attributes);
        file.directory.end(true);
      },
      onSkipped: (paths) => void skipped.push(paths.target),
      onMade: (paths) => void made.push(paths.target),
      onWouldRemove: (path) => void notices.push(`would-remove: ${path}`),
      onFailed: ({ paths, error }) => void failures.push(`${error.code} ${paths.source}`),
    },
  );
  const run = async (): Promise<void> => {
    if (!all.isDryRun) await destination.prepare(connection);
    target.calls.length = 0;
    const trees = sources.map((path) => {
      const name = Buffer.from(path.slice(path.lastIndexOf('/') + 1));
      return { path: Buffer.from(path), name, attributes: source.attributesAt(path.replace(/\/\.$/, ''))! };
    });
    await plan.plan(trees);
    await plan.settled();
  };
  const targets = (): string[] => files.map(({ target: path }) => path.toString('latin1')).sort();
  return { plan, target, source, files, compared, skipped, made, failures, notices, run, targets };
}

/** Where the notes of trees are kept. */
async function journalsForTest(resume = true): Promise<JournalStore> {
  const dir = await makeTempDir('notes');
  onTestFinished(dir.remove);
  return {
    directory: dir.file('state'),
    identity: { host: 'h', port: 22, user: 'u' },
    machine: 'm',
    resume,
    onFailed: () => {},
  } as JournalStore;
}

describe('where trees go', () => {
  test.each<[sources: string[], destination: string, existing: boolean, targets: string[]]>([
    [['/s'], '/d', false, ['/d/f']],
    [['/s'], '/d', true, ['/d/s/f']],
    [['/s/.'], '/d', false, ['/d/f']],
    [['/s/.'], '/d', true, ['/d/f']],
    [['/s', '/r'], '/d', false, ['/d/r/g', '/d/s/f']],
    [['/s/.', '/r/.'], '/d', true, ['/d/f', '/d/g']],
  ])('%j to %s, which exists: %s', async (sources, destination, exists, targets) => {
    const source = new MemoryTree().file('/s/f').file('/r/g');
    const target = exists ? new MemoryTree().directory('/d') : new MemoryTree();
    const copy = await scene({ source, target, sources, destination });
    await copy.run();
    expect(copy.targets()).toEqual(targets);
    expect(copy.failures).toEqual([]);
  });

  test('two sources do not become the same directory', async () => {
    const source = new MemoryTree().file('/a/s/f').file('/b/s/g');
    const copy = await scene({ source, sources: ['/a/s', '/b/s'] });
    await copy.run();
    expect([copy.targets(), copy.failures]).toEqual([['/d/s/f'], ['usage /b/s']]);
  });

  test('a source that is gone fails alone', async () => {
    const source = new MemoryTree().file('/s/f').file('/r/g').refuse('realPath', '/s', 'source-missing');
    const copy = await scene({ source, sources: ['/s', '/r'] });
    await copy.run();
    expect([copy.targets(), copy.failures]).toEqual([['/d/r/g'], ['source-missing /s']]);
  });

  test('a destination inside the source is not copied into itself', async () => {
    const both = new MemoryTree().file('/s/f').directory('/s/d');
    const copy = await scene({ source: both, target: both, destination: '/s/d' });
    await copy.run();
    expect([copy.targets(), copy.failures]).toEqual([['/s/d/s/f'], ['source-unsupported /s/d/s']]);
    expect(both.calls.some((call) => /^list \/s\/d\/s\/d/.test(call))).toBe(false);
    expect(Object.keys(both.below('/')).filter((path) => path.endsWith('.mtprobe'))).toEqual([]);
  });

  test('the same path on another machine is another directory', async () => {
    const source = new MemoryTree().file('/s/f').file('/s/d/g');
    const copy = await scene({ source, destination: '/s/d' });
    await copy.run();
    expect(copy.targets()).toEqual(['/s/d/d/g', '/s/d/f']);
    expect(Object.keys(copy.target.below('/s/d')).filter((path) => path.includes('.mtprobe'))).toEqual([]);
  });

  test('a source that is its own destination is up to date', async () => {
    const both = new MemoryTree().file('/s/f').file('/s/a/g');
    const copy = await scene({ source: both, target: both, sources: ['/s/.'], destination: '/s' });
    await copy.run();
    expect([copy.targets(), copy.skipped.sort()]).toEqual([[], ['/s/a/g', '/s/f']]);
    expect(both.changes).toEqual([]);
  });
});

describe('a link that this run has made', () => {
  test('is not followed for another source with the same contents', async () => {
    const source = new MemoryTree().link('/a/x', '/outside').link('/a/y', '/outside/f').file('/b/x/f').file('/b/y');
    const target = new MemoryTree().directory('/d').file('/outside/f');
    const copy = await scene({ source, target, sources: ['/a/.', '/b/.'], links: 'copy' });
    await copy.run();
    expect(copy.targets().filter((path) => path.startsWith('/outside'))).toEqual([]);
    expect(target.below('/outside')).toEqual({ f: 'file 644' });
    // What comes later takes its place.
    expect(target.below('/d')).toMatchObject({ 'x/f': expect.any(String) });
  });

  test('is not followed for another source of its name', async () => {
    const source = new MemoryTree().link('/a/b', '/outside').file('/b/f');
    const target = new MemoryTree().directory('/d').directory('/outside');
    const copy = await scene({ source, target, sources: ['/a/.', '/b'], links: 'copy' });
    await copy.run();
    expect(copy.targets().filter((path) => path.startsWith('/outside'))).toEqual([]);
    expect(target.below('/outside')).toEqual({});
  });

  test('is not followed for a directory that is listed under the same name', async () => {
    const source = new MemoryTree().file('/s/x/f');
    source.listedFirst.set('/s', [{ name: 'x', kind: 'link' }]);
    const target = new MemoryTree().directory('/outside');
    const copy = await scene({ source, target, links: 'copy' });
    await copy.run();
    expect(copy.targets()).toEqual([]);
    expect(target.below('/outside')).toEqual({});
  });
});

describe('links that are copied', () => {
  test.each<[what: string, prepare: (target: MemoryTree) => unknown, changes: string[], failures: string[]]>([
    ['where nothing is', () => {}, ['makeLink /d/l'], []],
    ['where the same link is', (target) => target.link('/d/l', 'text'), [], []],
    ['where another link is', (target) => target.link('/d/l', 'other'), ['remove /d/l', 'makeLink /d/l'], []],
    ['where a file is', (target) => target.file('/d/l'), ['remove /d/l', 'makeLink /d/l'], []],
    ['where a directory is', (target) => target.directory('/d/l'), [], ['destination-is-directory /s/l']],
  ])('%s', async (_, prepare, changes, failures) => {
    const source = new MemoryTree().link('/s/l', 'text');
    const target = new MemoryTree().directory('/d');
    prepare(target);
    const copy = await scene({ source, target, sources: ['/s/.'], links: 'copy' });
    await copy.run();
    expect(target.changes.filter((change) => /Link|remove/.test(change))).toEqual(changes);
    expect(copy.failures).toEqual(failures);
  });

  test('one that cannot be made fails alone', async () => {
    const source = new MemoryTree().link('/s/l', 'text').file('/s/f');
    const copy = await scene({ source, links: 'copy' });
    copy.target.refuse('makeLink', '/d/l');
    await copy.run();
    expect([copy.failures, copy.targets()]).toEqual([['destination-permission /s/l'], ['/d/f']]);
  });
});

describe('files that are there', () => {
  test('are skipped, and get the mode of their source', async () => {
    const source = new MemoryTree().file('/s/f', { mode: 0o600 }).file('/s/g').file('/s/h');
    const target = new MemoryTree().file('/d/f').file('/d/g').file('/d/h', { size: 11 });
    const copy = await scene({ source, target, sources: ['/s/.'] });
    await copy.run();
    expect([copy.skipped.sort(), copy.targets()]).toEqual([['/d/f', '/d/g'], ['/d/h']]);
    expect(target.attributesAt('/d/f')?.mode).toBe(0o600);
  });

  test('a finished copy is asked for one listing of each directory, and changes nothing', async () => {
    const source = new MemoryTree().file('/s/f').file('/s/a/g');
    const target = new MemoryTree().file('/d/f').file('/d/a/g');
    const copy = await scene({ source, target, sources: ['/s/.'] });
    await copy.run();
    expect(target.calls).toEqual(['list /d', 'list /d/a']);
    expect(copy.skipped).toHaveLength(2);
  });

  test('a dry run changes nothing', async () => {
    const source = new MemoryTree().file('/s/f').link('/s/l', 'x').directory('/s/a', 0o700);
    const target = new MemoryTree()
      .file('/d/f', { size: 1 })
      .file('/d/.f.0123456789abcdef.mtpart', { atimeMs: MTIME_MS });
    const copy = await scene({ source, target, sources: ['/s/.'], links: 'copy', isDryRun: true });
    await copy.run();
    expect(target.changes).toEqual([]);
    expect(copy.notices).toEqual(['would-remove: /d/.f.0123456789abcdef.mtpart']);
  });
});

describe('what earlier runs left', () => {
  const NAME = '/d/.f.0123456789abcdef.mtpart';

  test.each<[what: string, mtimeMs: number, atimeMs: number, isRemoved: boolean]>([
    ['written long ago', MTIME_MS, MTIME_MS, true],
    ['written now', Date.now(), Date.now(), false],
    ['that has the time of its source already', MTIME_MS, Date.now(), false],
    ['written almost a day ago', Date.now() - 0.9 * DAY_MS, MTIME_MS, false],
  ])('is removed if nobody has written to it for a day: %s', async (_, mtimeMs, atimeMs, isRemoved) => {
    const target = new MemoryTree().file(NAME, { mtimeMs, atimeMs });
    // What is made now has the time of now.
    const makeLink = target.makeLink.bind(target);
    target.makeLink = async (path, text) => {
      await makeLink(path, text);
      const lstat = target.lstat.bind(target);
      target.lstat = async (at) => {
        const found = await lstat(at);
        return at.equals(path) && found !== undefined ? { ...found, mtimeMs: Date.now() } : found;
      };
    };
    const copy = await scene({ source: new MemoryTree().directory('/s'), target, sources: ['/s/.'] });
    await copy.run();
    expect(target.attributesAt(NAME) === undefined).toBe(isRemoved);
    expect(Object.keys(target.below('/d')).filter((name) => name.endsWith('.mtprobe'))).toEqual([]);
  });
});

describe('a copy that was interrupted', () => {
  test('is continued where it began, until it has succeeded', async () => {
    const journals = await journalsForTest();
    const source = new MemoryTree().file('/s/f');
    const target = new MemoryTree();
    const first = await scene({ source, target, journals });
    await first.run();
    const second = await scene({ source, target, journals });
    await second.run();
    expect([first.targets(), second.targets(), second.skipped]).toEqual([['/d/f'], [], ['/d/f']]);
    await second.plan.succeeded();
    const third = await scene({ source, target, journals });
    await third.run();
    expect(third.targets()).toEqual(['/d/s/f']);
  });

  test('is not continued with --no-resume', async () => {
    const source = new MemoryTree().file('/s/f');
    const target = new MemoryTree();
    const journals = await journalsForTest();
    await (await scene({ source, target, journals })).run();
    const second = await scene({ source, target, journals: { ...journals, resume: false } as JournalStore });
    await second.run();
    expect(second.targets()).toEqual(['/d/s/f']);
  });
});

test('messages of one kind are few', async () => {
  const source = new MemoryTree();
  for (let n = 0; n < 30; n++) source.file(`/s/${n}`, { kind: 'other' });
  const copy = await scene({ source });
  await copy.run();
  expect(copy.notices).toHaveLength(11);
  expect(copy.notices.at(-1)).toContain('20 more were skipped');
});

test('what ends the run is thrown', async () => {
  const copy = await scene({ source: new MemoryTree().file('/s/f').refuse('list', '/s', 'no-connection') });
  await expect(copy.run()).rejects.toMatchObject({ code: 'no-connection' });
});
