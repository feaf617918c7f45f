/** Patterns in the sources of mtget, which are expanded by listing; those of mtput are expanded by the user's shell. */
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { copy } from '../support/directions.ts';
import { type Bed, describeOn, describeOnEach } from '../support/each-server.ts';
import type { RunResult } from '../support/process.ts';
import { expectSuccess } from '../support/run-outcome.ts';
import { byTier } from '../support/tier.ts';
import { bytesName, listTree } from '../support/tree.ts';
import { type TreePlace, treePlace } from '../support/tree-place.ts';

/** The content of each file is its own path. */
const NAMES = [
  'a1.txt',
  'a2.txt',
  'b1.txt',
  'b10.txt',
  'c.dat',
  '.hidden.txt',
  'sub1/x1',
  'sub1/deep/y1',
  'sub2/x2',
  'sub2/deep/y2',
  'other/x3',
  '[z]1',
  'z1',
  'q*r',
  'q-r',
  'two\nlines.nl',
  'caf\xe9.latin',
  bytesName('größe.utf8'),
];

const file = (name: string) => `d/${name.split('/').at(-1)}=${name}`;
const files = (...names: readonly string[]) => ['d/', ...names.map(file)];

/** Patterns, and what is in `d` afterwards. */
const MATCHES: readonly (readonly [patterns: readonly string[], after: readonly string[]])[] = [
  [['a*.txt'], files('a1.txt', 'a2.txt')],
  [['?1.txt'], files('a1.txt', 'b1.txt')],
  [['[ab]1.txt'], files('a1.txt', 'b1.txt')],
  [['[!a]1.txt'], ['d=b1.txt']],
  [['[a-b]?.txt'], files('a1.txt', 'a2.txt', 'b1.txt')],
  [['{a,b}1.txt'], files('a1.txt', 'b1.txt')],
  [['{a2,b10}.txt'], files('a2.txt', 'b10.txt')],
  [['a1.txt', 'b*.txt'], files('a1.txt', 'b1.txt', 'b10.txt')],
  // A leading dot is matched by a dot alone, as in a shell.
  [['*.txt'], files('a1.txt', 'a2.txt', 'b1.txt', 'b10.txt')],
  [['.h*'], ['d=.hidden.txt']],
  // In the middle of a path; a match that is a directory is copied as one.
  [['sub*/x?'], files('sub1/x1', 'sub2/x2')],
  [['sub?/deep/*'], files('sub1/deep/y1', 'sub2/deep/y2')],
  [['*/x3'], ['d=other/x3']],
  [
    ['sub?'],
    [
      'd/',
      'd/sub1/',
      'd/sub1/deep/',
      'd/sub1/deep/y1=sub1/deep/y1',
      'd/sub1/x1=sub1/x1',
      'd/sub2/',
      'd/sub2/deep/',
      'd/sub2/deep/y2=sub2/deep/y2',
      'd/sub2/x2=sub2/x2',
    ],
  ],
  // One match is as good as its name.
  [['oth*'], ['d/', 'd/x3=other/x3']],
  [['c*.dat'], ['d=c.dat']],
  // Something that is called like this is meant, and a backslash takes the meaning away.
  [['[z]1'], ['d=[z]1']],
  [['q*r'], ['d=q*r']],
  [['\\[z]1'], ['d=[z]1']],
  [['q\\*r'], ['d=q*r']],
  [['*.nl'], ['d=two\nlines.nl']],
  [['*.latin'], ['d=caf\xe9.latin']],
  [['*.utf8'], [`d=${bytesName('größe.utf8')}`]],
];

/** Patterns, exit code, what is said, and what is there afterwards. */
const FAILURES: readonly (readonly [readonly string[], number, RegExp, readonly string[]])[] = [
  [['nothing*'], 3, /nothing\*/, []],
  [['sub1/no*/x'], 3, /sub1\/no\*\/x/, []],
  [['missing/*'], 3, /missing\/\*/, []],
  [['a1.txt', 'nothing*', 'b1.txt'], 1, /nothing\*/, files('a1.txt', 'b1.txt')],
];

function globSuite(bed: Bed, extent: 'all' | 'sample'): void {
  let sources: TreePlace;
  let targets: TreePlace;

  beforeAll(async () => {
    sources = treePlace(bed, 'down');
    await sources.makeSource('', Object.fromEntries(NAMES.map((name) => [name, { bytes: name }])));
  });
  beforeEach(async () => {
    targets = treePlace(bed, 'down');
    await targets.makeTarget('', {});
  });

  function copyMatches(patterns: readonly string[]): Promise<RunResult> {
    const { sources: paths, ...common } = sources.copyOf(patterns, '');
    return copy({ ...common, sources: paths, destination: targets.target('d') });
  }

  const some = <Row>(rows: readonly Row[]) =>
    rows.filter((_, i) => i % (extent === 'sample' ? byTier(20, 7) : byTier(3, 1)) === 0);

  it.each(some(MATCHES))('%j', async (patterns, after) => {
    expectSuccess(await copyMatches(patterns));
    expect(await listTree(targets.target())).toEqual([...after].sort());
  });

  it.each(some(FAILURES))('%j: %d', async (patterns, code, says, after) => {
    const run = await copyMatches(patterns);
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code, stderr: expect.stringMatching(says) });
    expect(await listTree(targets.target())).toEqual([...after].sort());
  });
}

describeOn('sshd', 'patterns of names on this side', (bed) => {
  it('are names for mtput', async () => {
    const place = treePlace(bed, 'up');
    await place.makeSource('', { 'a*': 'star', ab: 'other' });
    await place.makeTarget('', {});
    expectSuccess(await place.copy(['a*'], 'd'));
    expect(await listTree(place.target())).toEqual(['d=star']);
    const run = await place.copy(['?b'], 'e');
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 3, stderr: expect.stringContaining('?b') });
  });
});

describeOnEach(
  'patterns of names on a server',
  (bed) => globSuite(bed, 'all'),
  (bed) => globSuite(bed, 'sample'),
);
