/** Which entries of a tree are copied: filters, lists of files, and what may not be read. */
import { chmod, chown, writeFile } from 'node:fs/promises';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { allDirections, type Direction } from '../support/directions.ts';
import { type Bed, describeOn, type ServerKind } from '../support/each-server.ts';
import { tempDirForTest } from '../support/for-one-test.ts';
import { plainUser } from '../support/plain-user.ts';
import { startProftpd } from '../support/proftpd.ts';
import { expectSuccess } from '../support/run-outcome.ts';
import { startSshd } from '../support/sshd.ts';
import { byTier, tier } from '../support/tier.ts';
import { expectCopied, letRemove, listTree } from '../support/tree.ts';
import { type TreePlace, treePlace } from '../support/tree-place.ts';

const isRoot = process.getuid?.() === 0;

/** All are files; the content of each is its path. */
const FILES = [
  'a.txt',
  'b.tmp',
  'keep.tmp',
  '.dot.tmp',
  'sub/a.txt',
  'sub/b.tmp',
  'sub/deep/c.txt',
  'tmp/x',
  'two words',
];

/** Options, and which of the files are copied. What rsync copies of `s/` by the same rules. */
const FILTERS: readonly (readonly [options: readonly string[], copied: readonly string[]])[] = [
  [
    ['--exclude', '*.tmp'],
    ['a.txt', 'sub/a.txt', 'sub/deep/c.txt', 'tmp/x', 'two words'],
  ],
  [
    ['--include', 'keep.tmp', '--exclude', '*.tmp'],
    ['a.txt', 'keep.tmp', 'sub/a.txt', 'sub/deep/c.txt', 'tmp/x', 'two words'],
  ],
  [
    ['--exclude', '*.tmp', '--include', 'keep.tmp'],
    ['a.txt', 'sub/a.txt', 'sub/deep/c.txt', 'tmp/x', 'two words'],
  ],
  [
    ['--exclude', '/a.txt', '--exclude', '*tmp'],
    ['sub/a.txt', 'sub/deep/c.txt', 'two words'],
  ],
  [
    ['--exclude', 'sub/', '--exclude', 'x/'],
    ['a.txt', 'b.tmp', 'keep.tmp', '.dot.tmp', 'tmp/x', 'two words'],
  ],
  [
    ['--include', '*/', '--include', '*.txt', '--exclude', '*'],
    ['a.txt', 'sub/a.txt', 'sub/deep/c.txt'],
  ],
  // What is in a directory that is excluded is not looked at.
  [['--include', '*.txt', '--exclude', '*'], ['a.txt']],
  [
    ['--exclude', '/sub/*.t*', '--exclude', '/[a-k]*', '--exclude', '.*'],
    ['sub/deep/c.txt', 'tmp/x', 'two words'],
  ],
];

function selectionSuite(bed: Bed, direction: Direction): void {
  let place: TreePlace;

  beforeEach(async () => {
    place = treePlace(bed, direction);
    await place.makeSource('s', Object.fromEntries(FILES.map((path) => [path, path])));
    await place.makeTarget('', {});
  });

  const filesThere = async () => (await listTree(place.target('d'))).filter((line) => !line.endsWith('/'));
  const asLines = (paths: readonly string[]) => paths.map((path) => `${path}=${path}`).sort();

  it.each(FILTERS)('%j', async (options, copied) => {
    expectSuccess(await place.copy(['s'], 'd', options));
    expect(await filesThere()).toEqual(asLines(copied));
  });

  const LISTED = ['sub/deep/c.txt', 'a.txt', 'two words'];

  /** Paths of a list are relative to the source. Where one of its bytes is NUL, it separates them. */
  it.each([
    ['lines', `${LISTED.join('\n')}\n\n`],
    ['lines, the last one open', LISTED.join('\n')],
    ['NUL', `${LISTED.join('\0')}\0`],
    ['./', LISTED.map((path) => `./${path}`).join('\n')],
  ])('--files-from, %s', async (_what, list) => {
    const path = (await tempDirForTest()).file('list');
    await writeFile(path, list);
    expectSuccess(await place.copy(['s'], 'd', ['--files-from', path]));
    expect(await filesThere()).toEqual(asLines(LISTED));
  });

  it('--files-from - reads the standard input', async () => {
    expectSuccess(await place.copy(['s'], 'd', ['--files-from', '-'], { input: LISTED.join('\n') }));
    expect(await filesThere()).toEqual(asLines(LISTED));
  });

  it('--files-from: what is missing fails alone', async () => {
    const input = ['a.txt', 'gone', 'sub/gone too', 'sub/b.tmp'].join('\n');
    const run = await place.copy(['s'], 'd', ['--files-from', '-'], { input });
    expect({ code: run.code, stderr: run.stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/\/gone does not/),
    });
    expect(run.stderr).toMatch(/sub\/gone too does not/);
    expect(await filesThere()).toEqual(asLines(['a.txt', 'sub/b.tmp']));
  });

  it('--files-from: nothing outside of the source is copied, nor to the outside of the target', async () => {
    await place.makeSource('outside', { secret: 'secret' });
    const input = ['a.txt', '../outside/secret', 'sub/../../outside/secret'].join('\n');
    const run = await place.copy(['s'], 'd', ['--files-from', '-'], { input });
    expect([1, 2], run.stderr).toContain(run.code);
    expect(run.stderr).toContain('../outside/secret');
    expect(await listTree(place.target())).not.toEqual(expect.arrayContaining([expect.stringMatching(/secret/)]));
  });

  it('--files-from: a list that is missing is a usage error', async () => {
    const run = await place.copy(['s'], 'd', ['--files-from', '/no/such/list']);
    expect([2, 3], run.stderr).toContain(run.code);
    expect(run.stderr).toContain('/no/such/list');
    expect(await listTree(place.target())).toEqual([]);
  });
}

/** Who copies is not root, on either side. */
function refusedSuite(bed: Bed, direction: Direction): void {
  let place: TreePlace;
  let as: Awaited<ReturnType<typeof plainUser>>;

  beforeEach(async () => {
    place = treePlace(bed, direction);
    const dir = await tempDirForTest();
    for (const path of [dir.path, bed.dir.path]) await chmod(path, 0o777);
    as = await plainUser(bed.server, dir.path);
    onTestFinished(() => letRemove(place.source()));
    onTestFinished(() => letRemove(place.target()));
  });

  const copyAs = (sources: readonly string[], to: string) =>
    place.copy(sources, to, [], as === undefined ? {} : { as, cwd: bed.dir.path });
  /** Root reads everything, if there is nobody else. */
  const isRefused = () => !isRoot || direction === 'down' || as !== undefined;

  it('what may not be read fails alone', async () => {
    await place.makeSource('s', { a: 'a', closed: 'closed', 'shut/in': 'in', 'sub/b': 'b', 'sub/closed': 'closed' });
    await place.makeTarget('', {});
    await chmod(place.target(), 0o777);
    for (const name of ['closed', 'shut', 'sub/closed']) {
      await chmod(place.source('s', name), 0);
      if (isRoot) await chown(place.source('s', name), 0, 0);
    }
    const run = await copyAs(['s'], 'd');
    if (!isRefused()) return expectCopied(place.source('s'), place.target('d'));
    expect(run.code, run.stderr).toBe(1);
    for (const name of ['closed', 'shut', 'sub/closed']) expect(run.stderr).toMatch(new RegExp(`s/${name}\\b`));
    const there = (await listTree(place.target('d'))).filter((line) => line !== 'shut/');
    expect(there).toEqual(['a=a', 'sub/', 'sub/b=b']);
  });

  it('a source that may not be read: 3', async () => {
    await place.makeSource('', { 's/a': 'a' });
    await place.makeTarget('', {});
    await chmod(place.target(), 0o777);
    await chmod(place.source('s'), 0);
    if (isRoot) await chown(place.source('s'), 0, 0);
    const run = await copyAs(['s'], 'd');
    expect(run.code, run.stderr).toBe(isRefused() ? 3 : 0);
  });

  it('a directory of the target that may not be written fails alone', async () => {
    await place.makeSource('s', { a: 'a', 'sub/b': 'b', 'sub/c': 'c', 'z/d': 'd' });
    await place.makeTarget('d', { 'sub/': {} });
    await chmod(place.target('d'), 0o777);
    if (isRoot) await chown(place.target('d/sub'), 0, 0);
    else await chmod(place.target('d/sub'), 0o500);
    const run = await copyAs(['s/.'], 'd');
    if (direction === 'down' && isRoot && as === undefined) return expectCopied(place.source('s'), place.target('d'));
    expect(run.code, run.stderr).toBe(1);
    expect(run.stderr).toMatch(/sub\/b\b/);
    expect(run.stderr).toMatch(/sub\/c\b/);
    expect(await listTree(place.target('d'))).toEqual(['a=a', 'sub/', 'z/', 'z/d=d']);
  });

  it('read-only files and directories are copied by somebody who is bound by them', async () => {
    await place.makeSource('s', {
      'closed/': { mode: 0o555 },
      'closed/a': { content: 'a', mode: 0o444 },
      'closed/in/b': 'b',
    });
    await place.makeTarget('', {});
    await chmod(place.target(), 0o777);
    for (const _ of ['first', 'again']) {
      expectSuccess(await copyAs(['s/.'], 'd'));
      await expectCopied(place.source('s'), place.target('d'));
    }
  });
}

const starters = {
  sshd: () => startSshd(isRoot ? { user: 'nobody' } : {}),
  proftpd: () => startProftpd(),
};

for (const direction of allDirections) {
  const way = direction === 'up' ? 'to' : 'from';
  const isDown = direction === 'down';
  const kinds: readonly ServerKind[] = tier === 'quick' ? ['sshd'] : ['sshd', 'proftpd'];
  for (const kind of byTier(isDown ? kinds : [], kinds)) {
    describeOn(kind, `choices of a tree ${way} a server`, (bed) => selectionSuite(bed, direction));
  }
  for (const kind of byTier(isDown ? [] : kinds, kinds)) {
    describeOn(
      kind,
      `parts of a tree that are refused, ${way} a server`,
      (bed) => refusedSuite(bed, direction),
      starters[kind],
    );
  }
}
