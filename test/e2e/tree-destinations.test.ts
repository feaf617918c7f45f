/** Where directories, and several sources, go: the destination rules of the command line. */
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { allDirections, copy, type Direction } from '../support/directions.ts';
import { type Bed, describeOn, describeOnEach, type ServerKind } from '../support/each-server.ts';
import type { TreePlan } from '../support/make-tree.ts';
import type { RunResult } from '../support/process.ts';
import { expectSuccess } from '../support/run-outcome.ts';
import { byTier } from '../support/tier.ts';
import { listTree, readTree, without } from '../support/tree.ts';
import { type TreePlace, treePlace } from '../support/tree-place.ts';

/** The content of each file is its own path. */
const SOURCES: TreePlan = {
  f: 'f',
  g: 'g',
  's/a': 's/a',
  's/empty/': {},
  's/sub/b': 's/sub/b',
  't/c': 't/c',
  'link-f': { link: 'f' },
  'link-s': { link: 's' },
  dangling: { link: 'nothing' },
};

/** What `s` holds, in the directory `at`. */
const s = (at: string): string[] => [`${at}a=s/a`, `${at}empty/`, `${at}sub/`, `${at}sub/b=s/sub/b`];

const D: TreePlan = { 'd/': {} };

/** Sources, destination, what is there before, and after. */
type Row = readonly [sources: readonly string[], destination: string, before: TreePlan, after: readonly string[]];

const FILES: readonly Row[] = [
  [['f'], 'x', {}, ['x=f']],
  [['f'], 'deep/er/x', {}, ['deep/', 'deep/er/', 'deep/er/x=f']],
  [['f'], 'd/', {}, ['d/', 'd/f=f']],
  [['f'], 'd', D, ['d/', 'd/f=f']],
  [['link-f'], 'x', {}, ['x=f']],
  [['link-f'], 'd', D, ['d/', 'd/link-f=f']],
  [['f'], 'link', { link: { link: 'real' }, real: 'old' }, ['link -> real', 'real=f']],
];

const SEVERAL: readonly Row[] = [
  [['f', 'g'], 'd', {}, ['d/', 'd/f=f', 'd/g=g']],
  [['f', 's'], 'd', {}, ['d/', 'd/f=f', 'd/s/', ...s('d/s/')]],
  [['s', 't'], 'deep/d', {}, ['deep/', 'deep/d/', 'deep/d/s/', ...s('deep/d/s/'), 'deep/d/t/', 'deep/d/t/c=t/c']],
  [['s/.', 't/.'], 'd', {}, ['d/', ...s('d/'), 'd/c=t/c']],
];

const DIRECTORIES: readonly Row[] = [
  [['s'], 'd', {}, ['d/', ...s('d/')]],
  [['s/'], 'd', {}, ['d/', ...s('d/')]],
  [['s/.'], 'd', {}, ['d/', ...s('d/')]],
  // As with cp and scp; a trailing slash says only that it is a directory.
  [['s'], 'd/', {}, ['d/', ...s('d/')]],
  [['s/.'], 'd/', {}, ['d/', ...s('d/')]],
  [['s'], 'deep/er/d', {}, ['deep/', 'deep/er/', 'deep/er/d/', ...s('deep/er/d/')]],
  [['s'], 'd', D, ['d/', 'd/s/', ...s('d/s/')]],
  [['s/'], 'd', D, ['d/', 'd/s/', ...s('d/s/')]],
  [['s'], 'd/', D, ['d/', 'd/s/', ...s('d/s/')]],
  [['s/.'], 'd', { 'd/old': 'old' }, ['d/', 'd/old=old', ...s('d/')]],
  // It has no name that it could have there.
  [['s/sub/..'], 'd', D, ['d/', ...s('d/')]],
  [['./s'], 'd', D, ['d/', 'd/s/', ...s('d/s/')]],
  [['s/empty'], 'd', {}, ['d/']],
  [['s'], 'd', { 'd/s/a': 'former', 'd/s/more': 'more' }, ['d/', 'd/s/', ...s('d/s/'), 'd/s/more=more']],
  [['link-s'], 'd', {}, ['d/', ...s('d/')]],
  [['link-s'], 'd', D, ['d/', 'd/link-s/', ...s('d/link-s/')]],
  [['s'], 'link', { 'real/': {}, link: { link: 'real' } }, ['link -> real', 'real/', 'real/s/', ...s('real/s/')]],
  [
    ['s'],
    'd',
    { 'd/s/a': { link: '../../real' }, real: 'former' },
    ['d/', 'd/s/', ...s('d/s/').slice(1), 'd/s/a -> ../../real', 'real=s/a'],
  ],
];

/** The same with the exit code, and what is said. */
type FailingRow = readonly [...Row, code: number, says: RegExp];

const FAILURES: readonly FailingRow[] = [
  [['f', 's'], 'd', { d: 'old' }, ['d=old'], 4, /\/d is not a directory\./],
  [['s'], 'd', { d: 'old' }, ['d=old'], 4, /\/d is not a directory\./],
  [['s'], 'd/', { d: 'old' }, ['d=old'], 4, /\/d\/? is not a directory\./],
  [['s'], 'd', { 'd/s': 'old' }, ['d/', 'd/s=old'], 4, /\/d\/s is not a directory\./],
  [['s'], 'link', { link: { link: 'nowhere' } }, ['link -> nowhere'], 4, /is a symbolic link to something/],
  [['missing'], 'd', {}, [], 3, /missing does not exist\./],
  [['missing/'], 'd', {}, [], 3, /missing\/? does not exist\./],
  [['missing/.'], 'd', D, ['d/'], 3, /missing(\/\.?)? does not exist\./],
  [['dangling'], 'd', {}, [], 3, /dangling does not exist\./],
  // One of several fails by itself.
  [['f', 'missing', 's'], 'd', {}, ['d/', 'd/f=f', 'd/s/', ...s('d/s/')], 1, /missing does not exist\./],
  [['s', 'dangling'], 'd', {}, ['d/', 'd/s/', ...s('d/s/')], 1, /dangling does not exist\./],
  [['s'], 'd', { 'd/s/a/': {} }, ['d/', 'd/s/', 'd/s/a/', ...s('d/s/').slice(1)], 1, /d\/s\/a is a directory\./],
  [
    ['s'],
    'd',
    { 'd/s/sub': 'old' },
    ['d/', 'd/s/', ...s('d/s/').slice(0, 2), 'd/s/sub=old'],
    1,
    /d\/s\/sub is not a directory\./,
  ],
  [
    ['s'],
    'd',
    { 'd/s/a': { link: 'nowhere' } },
    ['d/', 'd/s/', ...s('d/s/').slice(1), 'd/s/a -> nowhere'],
    1,
    /d\/s\/a is a symbolic link to something/,
  ],
];

/** Destinations that are the directory in which relative paths begin. */
const BEGINNINGS: Readonly<Record<Direction, readonly string[]>> = { up: ['', '.'], down: ['.', './'] };

function destinationSuite(bed: Bed, direction: Direction, extent: 'all' | 'sample' = 'all'): void {
  let place: TreePlace;

  beforeEach(async () => {
    place = treePlace(bed, direction);
    await place.makeSource('', SOURCES);
    await place.makeTarget('', {});
  });

  /** Of a table, what shows that another server, or in the quick tier another direction, is no other. */
  const some = <One>(rows: readonly One[]): readonly One[] => {
    const step = extent === 'sample' ? byTier(20, 6) : direction === 'down' ? byTier(8, 1) : byTier(4, 1);
    const offset = direction === 'down' ? 1 : 0;
    return rows.filter((_, index) => index % step === offset % step);
  };

  async function expectThere(after: readonly string[]): Promise<void> {
    expect(await listTree(place.target())).toEqual([...after].sort());
  }

  it.each(some([...FILES, ...SEVERAL, ...DIRECTORIES]))(
    '%j to %s, where there is %j',
    async (sources, to, before, after) => {
      await place.makeTarget('', before);
      expectSuccess(await place.copy(sources, to));
      await expectThere(after);
    },
  );

  it.each(some(FAILURES))('%j to %s fails, where there is %j', async (sources, to, before, after, code, says) => {
    await place.makeTarget('', before);
    const run = await place.copy(sources, to);
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code, stderr: expect.stringMatching(says) });
    expect(run.stderr).not.toMatch(/^ +at /m);
    await expectThere(after);
  });

  it.each(some(BEGINNINGS[direction]))("s to '%s': where relative paths begin", async (destination) => {
    const name = `own-${place.name}`;
    await place.makeSource(name, { a: 'own' });
    expectSuccess(await copy({ ...place.copyOf([name], ''), destination }));
    expect(await listTree(place.target('..', name))).toEqual(['a=own']);
  });

  it('absolute paths', async () => {
    const absolute = { ...place.copyOf([], ''), sources: [place.source('s')], destination: place.target('d') };
    expectSuccess(await copy(absolute));
    await expectThere(['d/', ...s('d/')]);
  });

  if (extent === 'sample') return;

  if (direction === 'up') {
    it.each([
      ['.', 's'],
      ['..', 's/sub'],
      ['../.', 's/sub'],
    ])('%s, in %s: what the directory holds', async (source, cwd) => {
      await place.makeTarget('', { 'd/old': 'old' });
      const from = { ...place.copyOf([], 'd'), sources: [source], cwd: place.source(cwd) };
      expectSuccess(await copy(from));
      await expectThere(['d/', 'd/old=old', ...s('d/')]);
    });
  } else {
    it('. is what the home of the account holds', async () => {
      // Links of the sources of other tests lead to nothing.
      const run = await copy({ ...place.copyOf([], 'd'), sources: ['.'], more: ['--links', 'skip'] });
      expectSuccess(run);
      const arrived = await listTree(place.target('d', place.name));
      expect(arrived).toEqual(['f=f', 'g=g', 's/', ...s('s/'), 't/', 't/c=t/c'].sort());
    });
  }
}

/** The server is on this machine: source and destination may be the same, or one inside the other. */
function sameMachineSuite(bed: Bed, direction: Direction): void {
  let place: TreePlace;
  /** Both are there. */
  const here = (...names: string[]) => join(bed.server.home, place.name, ...names);

  beforeEach(() => {
    place = treePlace(bed, direction);
  });

  /** `source` and `destination`: below `here()`, which is on the server. */
  function copyHere(source: string, destination: string, more: readonly string[] = []): Promise<RunResult> {
    const there = (path: string) => `${place.name}/${path}`;
    const [from, to] =
      direction === 'up' ? [`${here()}/${source}`, there(destination)] : [there(source), here(destination)];
    return copy({ direction, server: bed.server, cwd: bed.dir.path, sources: [from], destination: to, more });
  }

  async function makeHere(plan: TreePlan): Promise<void> {
    if (direction === 'up') await place.makeTarget('', plan);
    else await place.makeSource('', plan);
  }

  it.each([
    ['s', '.', []],
    ['s', '.', ['--force']],
    ['s/.', 's', ['--force', '--no-resume']],
    ['s/large', 's/large', ['--force']],
    // Whoever empties the target first has emptied the source.
    ['s/large', 's', ['--force', '--inplace']],
    ['s', '.', ['--force', '--inplace', '--no-preserve']],
  ])('%s to %s, which is itself, %j: nothing is lost', async (source, destination, more) => {
    await makeHere({ 's/large': 300_000, 's/sub/small': 'small', 's/empty/': {} });
    const before = without(await readTree(here()), 'mtime', 'mode');
    const run = await copyHere(source, destination, more);
    expect(without(await readTree(here()), 'mtime', 'mode')).toEqual(before);
    // cp refuses it, and rsync sees that there is nothing to do.
    // A source that is written in place has changed.
    expect(more.includes('--inplace') ? [0, 1, 4, 10] : [0, 1, 4], run.stderr).toContain(run.code);
  });

  it('into a directory inside itself, which is missing: once, without itself', async () => {
    await makeHere({ 's/a': 'a', 's/other/b': 'b' });
    const run = await copyHere('s', 's/sub');
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/s\/sub\b/) });
    expect(await listTree(here('s'))).toEqual(
      ['a=a', 'other/', 'other/b=b', 'sub/', 'sub/a=a', 'sub/other/', 'sub/other/b=b'].sort(),
    );
  });

  it('into a directory inside itself, which is there: once, without itself', async () => {
    await makeHere({ 's/a': 'a', 's/other/b': 'b', 's/sub/old': 'old' });
    const run = await copyHere('s', 's/sub');
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/s\/sub\b/) });
    const after = await listTree(here('s'));
    expect(after).toEqual(expect.arrayContaining(['sub/old=old', 'sub/s/a=a', 'sub/s/other/b=b']));
    // Whether sub/s/sub is made, and sub/old in it, is open; what was copied is not copied again.
    expect(after.filter((line) => /^sub\/s\/sub\/(s\/|sub\/|a=)/.test(line))).toEqual([]);
  });
}

for (const direction of allDirections) {
  const way = direction === 'up' ? 'to' : 'from';
  describeOnEach(
    `destinations of trees ${way} a server`,
    (bed) => destinationSuite(bed, direction),
    (bed) => destinationSuite(bed, direction, 'sample'),
  );
  const kinds = byTier<readonly ServerKind[]>(direction === 'up' ? ['sshd'] : [], ['sshd', 'proftpd']);
  for (const kind of kinds) {
    describeOn(kind, `trees ${way} a server that are copied onto themselves`, (bed) =>
      sameMachineSuite(bed, direction),
    );
  }
}
