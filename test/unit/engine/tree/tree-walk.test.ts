import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { EntryBudget } from '../../../../src/engine/tree/entry-list.ts';
import { Filters } from '../../../../src/engine/tree/filters.ts';
import type { Links } from '../../../../src/engine/tree/tree-walk.ts';
import { CopyError } from '../../../../src/errors.ts';
import { deferred } from '../../../../src/util/deferred.ts';
import { MemoryTree, MTIME_MS } from '../../../support/memory-tree.ts';
import { walkScene } from '../../../support/tree-walk-scene.ts';
import { settled, turns } from '../../../support/turns.ts';

const filters = (...rules: readonly string[]): Filters =>
  new Filters(
    rules.map((rule) => ({ action: rule.startsWith('+') ? 'include' : 'exclude', pattern: rule.slice(1) }) as const),
  );

describe('a tree', () => {
  test('its files are found, and its directories made, the empty ones too', async () => {
    const source = new MemoryTree().file('/s/f').file('/s/a/g').file('/s/a/b/h').directory('/s/empty', 0o700);
    const scene = walkScene({ source });
    await scene.run();
    expect(scene.fileNames).toEqual(['a/b/h', 'a/g', 'f']);
    expect(scene.target.below('/t')).toEqual({
      a: 'directory 755',
      'a/b': 'directory 755',
      empty: 'directory 700',
    });
    expect(scene.failures).toEqual([]);
    expect(scene.target.attributesAt('/t')?.mtimeMs).toBe(MTIME_MS);
  });

  test('each directory is made once, and gets mode and time once, after those in it', async () => {
    const source = new MemoryTree();
    for (let n = 0; n < 200; n++) source.file(`/s/${n % 10}/${n % 50}/${n}/f`);
    const { run, target } = walkScene({ source });
    await run();
    const made = target.changedBy('makeDirectory');
    const timed = target.changedBy('setAttributes').filter((change) => change.endsWith(' time'));
    expect(new Set(made).size).toBe(made.length);
    expect(new Set(timed).size).toBe(timed.length);
    expect(timed).toHaveLength(made.length);
    for (const path of made) {
      if (path === '/t') continue;
      const parent = path.slice(0, path.lastIndexOf('/'));
      expect(made.indexOf(parent)).toBeLessThan(made.indexOf(path));
      expect(timed.indexOf(`${path} time`)).toBeLessThan(timed.indexOf(`${parent} time`));
    }
  });

  test('what is at the target already is told, and costs one listing for each directory', async () => {
    const source = new MemoryTree().file('/s/f').file('/s/a/g');
    const target = new MemoryTree().directory('/t').file('/t/f', { size: 7 }).directory('/t/a');
    const scene = walkScene({ source, target });
    await scene.run();
    expect(scene.files.map(({ source: path, old }) => [path.toString(), old?.size]).sort()).toEqual([
      ['/s/a/g', undefined],
      ['/s/f', 7],
    ]);
    expect(target.calls.filter((call) => call.startsWith('list'))).toEqual(['list /t', 'list /t/a']);
    expect(target.calls.filter((call) => call.startsWith('lstat'))).toEqual([]);
  });

  test('what is no file is left out, and partial files of other runs', async () => {
    const source = new MemoryTree()
      .file('/s/pipe', { kind: 'other' })
      .file('/s/.f.0123456789abcdef.mtpart')
      .file('/s/f');
    const scene = walkScene({ source });
    await scene.run();
    expect([scene.fileNames, scene.leftOut]).toEqual([['f'], ['special /s/pipe']]);
  });

  test('names are bytes', async () => {
    const name = Buffer.from([0xff, 0x20, 0x0a]).toString('latin1');
    const scene = walkScene({ source: new MemoryTree().file(`/s/${name}/${name}`) });
    await scene.run();
    expect(scene.files[0]!.target.toString('latin1')).toBe(`/t/${name}/${name}`);
  });

  test('what earlier runs left in its target is told of', async () => {
    const left = '/t/.f.0123456789abcdef.mtpart';
    const scene = walkScene({ target: new MemoryTree().file(left) });
    await scene.run();
    expect(scene.leftovers).toEqual([left]);
  });

  test('what earlier runs left is told of no faster than it is worked on', async () => {
    const target = new MemoryTree();
    for (let n = 0; n < 100; n++) target.file(`/t/.f.${n.toString(16).padStart(16, '0')}.mtpart`);
    const gate = deferred<void>();
    let told = 0;
    const onLeftover = (): Promise<void> => {
      told++;
      return gate.promise;
    };
    const { run } = walkScene({ target, listener: { onLeftover } });
    const running = run();
    expect(await settled(running)).toBe(false);
    expect(told).toBe(1);
    gate.resolve();
    await running;
    expect(told).toBe(100);
  });
});

describe('filters', () => {
  test.each<[rules: string[], files: string[]]>([
    [['-a/'], ['f', 'link/inner']],
    [['-/link/'], ['a/inner', 'f']],
    [['+link/', '+link/**', '-*'], ['link/inner']],
    [['+f', '-*'], ['f']],
  ])('%j: a link to a directory counts as a directory', async (rules, expected) => {
    const source = new MemoryTree()
      .file('/s/f')
      .file('/s/a/inner')
      .file('/elsewhere/inner')
      .link('/s/link', '/elsewhere');
    const scene = walkScene({ source, filters: filters(...rules) });
    await scene.run();
    expect(scene.fileNames).toEqual(expected);
    expect(scene.failures).toEqual([]);
  });

  test('a link that leads nowhere and is excluded is no failure', async () => {
    const scene = walkScene({ source: new MemoryTree().link('/s/l', '/nothing'), filters: filters('-l') });
    await scene.run();
    expect(scene.failures).toEqual([]);
  });
});

describe('links', () => {
  const source = (): MemoryTree =>
    new MemoryTree()
      .file('/elsewhere/f')
      .link('/s/to-file', '/elsewhere/f')
      .link('/s/to-directory', '/elsewhere')
      .link('/s/dangling', '/nothing');

  test.each<[links: Links, files: string[], copied: number, failures: string[], leftOut: number]>([
    ['follow', ['to-directory/f', 'to-file'], 0, ['source-missing /s/dangling'], 0],
    ['copy', [], 3, [], 0],
    ['skip', [], 0, [], 3],
  ])('--links %s', async (links, files, copied, failures, leftOut) => {
    const scene = walkScene({ source: source(), links });
    await scene.run();
    expect(scene.fileNames).toEqual(files);
    expect(scene.links).toHaveLength(copied);
    expect(scene.failures).toEqual(failures);
    expect(scene.leftOut).toHaveLength(leftOut);
  });

  test.each([
    ['to the root', '/s/a/loop', '/s'],
    ['to its own directory', '/s/a/loop', '.'],
    ['through another link', '/s/a/loop', '/other'],
  ])('a directory that contains itself by a link %s is refused, and the rest goes on', async (_, path, text) => {
    const looping = new MemoryTree().file('/s/a/f').link('/other', '/s').link(path, text);
    const scene = walkScene({ source: looping });
    await scene.run();
    expect(scene.failures).toEqual([`source-unsupported ${path}`]);
    expect(scene.fileNames).toEqual(['a/f']);
  });

  test('nothing is written through a link of the target where links are copied', async () => {
    const tree = new MemoryTree().file('/s/x/f').file('/s/y').file('/s/z');
    const target = new MemoryTree()
      .directory('/t')
      .file('/outside/f')
      .link('/t/x', '/outside')
      .link('/t/y', '/outside/f');
    const scene = walkScene({ source: tree, target, links: 'copy' });
    await scene.run();
    expect(scene.files.map((file) => file.target.toString()).sort()).toEqual(['/t/x/f', '/t/y', '/t/z']);
    expect(target.attributesAt('/t/x')?.kind).toBe('directory');
    expect(target.below('/outside')).toEqual({ f: expect.any(String) });
  });
});

describe('a hostile or broken source', () => {
  test('of two entries of a name, the first is used', async () => {
    const source = new MemoryTree().file('/s/x/inner').file('/s/f');
    source.listedFirst.set('/s', [
      { name: 'x', kind: 'link' },
      { name: 'f', kind: 'file' },
    ]);
    const scene = walkScene({ source, links: 'copy' });
    await scene.run();
    expect(scene.links).toHaveLength(1);
    expect(scene.fileNames).toEqual(['f']);
    expect(scene.failures.sort()).toEqual(['protocol /s/f', 'protocol /s/x']);
    expect(scene.target.below('/t')).toEqual({});
  });

  test('names that are refused are failures, and the others are copied', async () => {
    const source = new MemoryTree().file('/s/f');
    source.refusedNames.set('/s', ['../x', '']);
    const scene = walkScene({ source });
    await scene.run();
    expect(scene.failures).toEqual(['protocol /s', 'protocol /s']);
    expect(scene.fileNames).toEqual(['f']);
  });

  test('names that the target cannot have are failures', async () => {
    const refuseName = (name: Buffer): string | undefined => (name.toString() === 'nul' ? 'no' : undefined);
    const scene = walkScene({ source: new MemoryTree().file('/s/nul').file('/s/f'), refuseName });
    await scene.run();
    expect([scene.failures, scene.fileNames]).toEqual([['destination-refused /s/nul'], ['f']]);
  });

  test('directories without end are not followed without end', async () => {
    const source = new MemoryTree().directory(`/s${'/d'.repeat(300)}`);
    const scene = walkScene({ source });
    await scene.run();
    expect(scene.failures).toEqual([`source-unsupported /s${'/d'.repeat(257)}`]);
  });

  test('the target is not copied into itself', async () => {
    const source = new MemoryTree().file('/s/f').file('/s/d/f');
    const scene = walkScene({ source, excluded: Buffer.from('/s/d') });
    await scene.run();
    // Whoever has found that out has told it.
    expect([scene.fileNames, scene.failures]).toEqual([['f'], []]);
  });
});

describe('failures', () => {
  test.each<[what: string, prepare: (source: MemoryTree, target: MemoryTree) => void, failure: string]>([
    ['cannot be listed', (source) => source.refuse('list', '/s/a', 'source-unreadable'), 'source-unreadable /s/a'],
    ['has too many entries', (source) => source.refuse('list', '/s/a', 'too-many-entries'), 'too-many-entries /s/a'],
    ['cannot be made', (_, target) => target.refuse('makeDirectory', '/t/a'), 'destination-permission /s/a'],
    ['is a file at the target', (_, target) => target.file('/t/a'), 'destination-in-the-way /s/a'],
  ])('a directory that %s fails alone', async (_, prepare, failure) => {
    const source = new MemoryTree().file('/s/a/f').file('/s/a/b/g').file('/s/c/h').file('/s/i');
    const target = new MemoryTree().directory('/t');
    prepare(source, target);
    const scene = walkScene({ source, target });
    await scene.run();
    expect(scene.failures).toEqual([failure]);
    expect(scene.fileNames).toEqual(['c/h', 'i']);
    expect(target.attributesAt('/t')?.mtimeMs).toBe(MTIME_MS);
  });

  test('what a directory that failed had listed is given back', async () => {
    const source = new MemoryTree();
    const target = new MemoryTree().directory('/t');
    for (let n = 0; n < 50; n++) {
      for (let file = 0; file < 10; file++) source.file(`/s/${n}/${file}`);
      target.refuse('makeDirectory', `/t/${n}`);
    }
    // The listing comes after the refusal.
    source.onCall = (operation) => (operation === 'list' ? turns(20) : undefined);
    const take = vi.spyOn(EntryBudget.prototype, 'take');
    const give = vi.spyOn(EntryBudget.prototype, 'give');
    onTestFinished(() => void vi.restoreAllMocks());
    const scene = walkScene({ source, target });
    await scene.run();
    await turns();
    expect(scene.failures).toHaveLength(50);
    expect(take).toHaveBeenCalledTimes(50 + 50 * 10);
    expect(give.mock.calls.reduce((sum, [count]) => sum + count, 0)).toBe(50 + 50 * 10);
  });

  test('what ends the run ends the walk, when nothing of it is in progress any more', async () => {
    const source = new MemoryTree();
    for (let n = 0; n < 20; n++) source.file(`/s/${n}/f`);
    const gate = deferred<void>();
    let late = 0;
    source.onCall = async (operation, path) => {
      if (operation !== 'list' || path === '/s') return;
      await gate.promise;
      late++;
    };
    source.refuse('list', '/s/7', 'no-connection');
    const { run } = walkScene({
      source,
      listener: {
        onFile: async () => {
          throw new CopyError('no-connection', 'All are gone.');
        },
      },
    });
    source.file('/s/z');
    const running = run();
    running.catch(() => {});
    expect(await settled(running)).toBe(false);
    gate.resolve();
    await expect(running).rejects.toMatchObject({ code: 'no-connection' });
    expect(late).toBe(20);
  });

  test('what ends the run in one directory ends the walk of the others', async () => {
    const source = new MemoryTree().refuse('list', '/s/a', 'no-connection').directory('/s/a');
    for (let n = 0; n < 1000; n++) source.file(`/s/b/${n}`).file(`/s/${n}`);
    const scene = walkScene({ source });
    await expect(scene.run()).rejects.toMatchObject({ code: 'no-connection' });
    expect(scene.files.length).toBeLessThan(300);
  });

  test('a walk that waits for room ends when the room is refused', async () => {
    const source = new MemoryTree();
    for (let n = 0; n < 200; n++) source.file(`/s/${n % 100}/${n}`);
    const gate = deferred<void>();
    const { run } = walkScene({ source, listener: { onFile: () => gate.promise } });
    const running = run();
    running.catch(() => {});
    expect(await settled(running)).toBe(false);
    gate.reject(new CopyError('cancelled', 'It was stopped.'));
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
  });
});

test('no more directories are listed at once than allowed', async () => {
  const source = new MemoryTree();
  for (let n = 0; n < 300; n++) source.directory(`/s/${n}`);
  source.onCall = () => turns(50);
  const { run } = walkScene({ source });
  await run();
  expect(source.most.get('list')).toBeGreaterThan(8);
  expect(source.most.get('list')).toBeLessThanOrEqual(65);
});

describe('listed paths', () => {
  const source = (): MemoryTree =>
    new MemoryTree()
      .file('/s/f')
      .file('/s/a/g')
      .file('/s/a/h')
      .file('/s/a/b/i')
      .directory('/s/e', 0o700)
      .link('/s/l', '/s/a');
  const walkOnly = async (scene: ReturnType<typeof walkScene>, paths: readonly string[]): Promise<void> => {
    await scene.walk.walkOnly(
      scene.root,
      paths.map((path) => Buffer.from(path)),
    );
    await scene.tasks.ended();
  };

  test('only they are copied, with the directories on the way', async () => {
    const scene = walkScene({ source: source() });
    await walkOnly(scene, ['f', 'a/b/i', 'e']);
    expect(scene.fileNames).toEqual(['a/b/i', 'f']);
    expect(scene.target.below('/t')).toEqual({ a: 'directory 755', 'a/b': 'directory 755', e: 'directory 700' });
    const timed = scene.target.changedBy('setAttributes').filter((change) => change.endsWith(' time'));
    expect(timed.sort()).toEqual(['/t time', '/t/a time', '/t/a/b time', '/t/e time']);
  });

  test('one that is missing fails alone', async () => {
    const scene = walkScene({ source: source() });
    await walkOnly(scene, ['f', 'missing', 'none/x', 'none/y', 'f/x']);
    expect(scene.fileNames).toEqual(['f']);
    expect(scene.failures.sort()).toEqual([
      'source-missing /s/f',
      'source-missing /s/missing',
      'source-missing /s/none',
    ]);
  });

  test('no path leads through a link that was copied', async () => {
    const target = new MemoryTree().directory('/t').directory('/outside').link('/t/l', '/outside');
    const scene = walkScene({ source: source(), target, links: 'copy' });
    await walkOnly(scene, ['l/g']);
    expect(scene.files.map((file) => file.target.toString())).toEqual(['/t/l/g']);
    expect(target.attributesAt('/t/l')?.kind).toBe('directory');
    expect(target.below('/outside')).toEqual({});
  });

  test('where the root cannot be made, that is the one failure', async () => {
    const scene = walkScene({ source: source() });
    scene.target.refuse('makeDirectory', '/t');
    await walkOnly(scene, ['f', 'a/g']);
    expect([scene.failures, scene.fileNames]).toEqual([['destination-permission /s'], []]);
  });
});
