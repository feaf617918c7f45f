/** Symbolic links inside of trees. */
import { beforeEach, expect, it } from 'vitest';
import { allDirections, type Direction } from '../support/directions.ts';
import { type Bed, describeOn, type ServerKind } from '../support/each-server.ts';
import { FILE_MTIME, type TreePlan } from '../support/make-tree.ts';
import { expectSuccess } from '../support/run-outcome.ts';
import { byTier } from '../support/tier.ts';
import { entryOf, expectCopied, listTree } from '../support/tree.ts';
import { type TreePlace, treePlace } from '../support/tree-place.ts';

const LINKS: TreePlan = {
  real: 'real',
  'dir/x': 'x',
  'dir/y': 'y',
  'to-file': { link: 'real' },
  'to-dir': { link: 'dir' },
  'dir/up-to-file': { link: '../real' },
  'to-link': { link: 'to-file' },
};
const FOLLOWED: readonly string[] = [
  'real=real',
  'dir/',
  'dir/x=x',
  'dir/y=y',
  'dir/up-to-file=real',
  'to-file=real',
  'to-link=real',
  'to-dir/',
  'to-dir/x=x',
  'to-dir/y=y',
  'to-dir/up-to-file=real',
];

function linkSuite(bed: Bed, direction: Direction): void {
  let place: TreePlace;

  beforeEach(async () => {
    place = treePlace(bed, direction);
    await place.makeTarget('', {});
  });

  it('--links follow, the default: what they lead to', async () => {
    await place.makeSource('s', LINKS);
    expectSuccess(await place.copy(['s'], 'd'));
    expect(await listTree(place.target('d'))).toEqual([...FOLLOWED].sort());
    expect(await entryOf(place.target('d'), 'to-file')).toMatchObject({ kind: 'file', mtime: FILE_MTIME });
  });

  it('--links follow: one to a directory around it fails alone', async () => {
    await place.makeSource('s', { ...LINKS, 'dir/loop': { link: '..' }, self: { link: '.' } });
    const run = await place.copy(['s'], 'd', ['--links', 'follow']);
    expect(run.code, run.stderr).toBe(1);
    expect(run.stderr).toMatch(/dir\/loop\b/);
    expect(run.stderr).toMatch(/\bself\b/);
    const after = await listTree(place.target('d'));
    expect(after).toEqual([...FOLLOWED].sort());
  });

  it('--links follow: dangling ones, and one to itself, fail alone', async () => {
    await place.makeSource('s', { ...LINKS, dangling: { link: 'nothing' }, me: { link: 'me' } });
    const run = await place.copy(['s'], 'd');
    expect(run.code, run.stderr).toBe(1);
    expect(run.stderr).toMatch(/s\/dangling\b/);
    expect(run.stderr).toMatch(/s\/me\b/);
    expect(await listTree(place.target('d'))).toEqual([...FOLLOWED].sort());
  });

  it('--links copy: the same text, wherever it leads', async () => {
    const odd = { dangling: { link: 'nothing' }, absolute: { link: '/no/such/file' }, out: { link: '../../..' } };
    await place.makeSource('s', { ...LINKS, ...odd, me: { link: 'me' }, raw: { link: 'caf\xe9\n' } });
    for (const again of [false, true]) {
      const run = await place.copy(['s/.'], 'd', ['--links', 'copy']);
      expect({ again, code: run.code, stderr: run.stderr }).toMatchObject({ again, code: 0 });
      await expectCopied(place.source('s'), place.target('d'));
    }
  });

  it('--links copy: in place of another link, and not through it', async () => {
    await place.makeSource('s', { real: 'new', to: { link: 'real' } });
    await place.makeTarget('d', { real: 'former', other: 'other', to: { link: 'other' } });
    expectSuccess(await place.copy(['s/.'], 'd', ['--links', 'copy']));
    expect(await listTree(place.target('d'))).toEqual(['other=other', 'real=new', 'to -> real']);
  });

  it('--links skip: none of them', async () => {
    await place.makeSource('s', { ...LINKS, dangling: { link: 'nothing' } });
    expectSuccess(await place.copy(['s'], 'd', ['--links', 'skip']));
    expect(await listTree(place.target('d'))).toEqual(['dir/', 'dir/x=x', 'dir/y=y', 'real=real']);
  });

  it('--links is about links inside of trees: a source that is one is followed', async () => {
    await place.makeSource('', { 's/a': 'a', link: { link: 's' }, file: { link: 's/a' } });
    for (const links of ['copy', 'skip']) {
      expectSuccess(await place.copy(['link', 'file'], links, ['--links', links]));
      expect(await listTree(place.target(links))).toEqual(['file=a', 'link/', 'link/a=a']);
    }
  });
}

for (const direction of allDirections) {
  const kinds = byTier<readonly ServerKind[]>(direction === 'up' ? [] : ['sshd'], ['sshd', 'proftpd']);
  for (const kind of kinds) {
    describeOn(kind, `links in trees ${direction === 'up' ? 'to' : 'from'} a server`, (bed) =>
      linkSuite(bed, direction),
    );
  }
}
