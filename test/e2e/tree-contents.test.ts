/** What becomes of the entries of a tree: names, modes, times, links, and what is no file at all. */
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { allDirections, copyJson, type Direction } from '../support/directions.ts';
import { type Bed, describeOn, type ServerKind } from '../support/each-server.ts';
import type { TreePlan } from '../support/make-tree.ts';
import { eventsOf } from '../support/mtput.ts';
import { startProftpd } from '../support/proftpd.ts';
import { expectSuccess } from '../support/run-outcome.ts';
import { startSshd } from '../support/sshd.ts';
import { byTier } from '../support/tier.ts';
import { bytesName, expectCopied, letRemove, listTree, readTree, without } from '../support/tree.ts';
import { type TreePlace, treePlace } from '../support/tree-place.ts';

const MODES: TreePlan = {
  './': { mode: 0o751, mtime: 1_100_000_000 },
  plain: 'plain',
  'read-only': { content: 'read-only', mode: 0o444 },
  'write-only-by-me': { content: 'mine', mode: 0o600 },
  program: { content: 'program', mode: 0o755, mtime: 1 },
  large: { size: 9_000_000, mode: 0o440 },
  setuid: { content: 'setuid', mode: 0o4755 },
  setgid: { content: 'setgid', mode: 0o2755 },
  'shared/': { mode: 0o1777 },
  'shared/x': 'x',
  'group/': { mode: 0o2775 },
  'group/x': 'x',
  'closed/': { mode: 0o555, mtime: 1_200_000_000 },
  'closed/a': { content: 'a', mode: 0o444 },
  'closed/empty/': { mode: 0o500, mtime: 1_000_000_000 },
  'closed/deeper/': { mode: 0o555, mtime: 1_300_000_000 },
  'closed/deeper/b': { content: 'b', mode: 0o400 },
  'mine/': { mode: 0o700 },
  'mine/c': '',
  'a/b/c/d/e/f': 'deep',
};

const NAMES: TreePlan = Object.fromEntries(
  [
    ' two  words ',
    `it's "quoted" \`too\``,
    'two\nlines',
    '\nlines\n',
    '$(touch gone); * ? [a-z] {b} ~ & | > \\n',
    'host:name',
    '-rf',
    '--',
    '.hidden',
    '..dots',
    '...',
    '~',
    '\x1b[31mred\x07',
    'caf\xe9 \xff',
    '\xfe'.repeat(255),
    `${bytesName('ü').repeat(127)}x`,
    `${'long'.repeat(63)}abc`,
    bytesName('größe-日本語-🙂'),
  ].flatMap((name) => [
    [`files/${name}`, { bytes: name }],
    [`directories/${name}/${name}`, { bytes: `in ${name}` }],
    [`empty/${name}/`, {}],
  ]),
);

function contentSuite(bed: Bed, direction: Direction): void {
  let place: TreePlace;

  beforeEach(async () => {
    place = treePlace(bed, direction);
    await place.makeTarget('', {});
    onTestFinished(async () => {
      await letRemove(place.source());
      await letRemove(place.target());
    });
  });

  it('modes and times of files and directories, without setuid, setgid and sticky', async () => {
    await place.makeSource('s', MODES);
    expectSuccess(await place.copy(['s'], 'd'));
    await expectCopied(place.source('s'), place.target('d'));
  });

  it('a second run into directories that may not be written', async () => {
    await place.makeSource('s', MODES);
    expectSuccess(await place.copy(['s'], 'd'));
    await place.makeSource('s', {
      ...MODES,
      'closed/a': { content: 'other', mode: 0o444 },
      'closed/deeper/new': 'new',
    });
    expectSuccess(await place.copy(['s/.'], 'd'));
    await expectCopied(place.source('s'), place.target('d'));
  });

  it('empty directories, empty files, and nothing else', async () => {
    await place.makeSource('s', { 'empty/': { mtime: 1_234_567_890 }, 'a/b/c/': {}, none: '', 'a/none': '' });
    expectSuccess(await place.copy(['s'], 'd'));
    await expectCopied(place.source('s'), place.target('d'));
    await place.makeSource('nothing', {});
    expectSuccess(await place.copy(['nothing'], 'e'));
    await expectCopied(place.source('nothing'), place.target('e'));
  });

  it('names that may be almost anything', async () => {
    await place.makeSource('s', NAMES);
    const run = await place.copy(['s'], 'd');
    expectSuccess(run);
    expect(run.stderr).not.toMatch(/[^\P{Cc}\n]/u);
    await expectCopied(place.source('s'), place.target('d'));
  });

  it('a FIFO and a socket are skipped, and named', async () => {
    await place.makeSource('s', { a: 'a', pipe: { special: 'fifo' }, 'sub/socket': { special: 'socket' } });
    const run = await place.copy(['s'], 'd');
    expectSuccess(run);
    expect(run.stderr).toMatch(/pipe\b.*\bskipped|skipped.*\bpipe\b/);
    expect(run.stderr).toMatch(/sub\/socket\b.*\bskipped|skipped.*sub\/socket\b/);
    expect(await listTree(place.target('d'))).toEqual(['a=a', 'sub/']);
  });

  it('times before 1970 and after 2038', async () => {
    const times = {
      before: -86_400,
      first: 0,
      last32: 2 ** 31 - 1,
      after: 2 ** 31 + 5,
      last: 2 ** 32 - 1,
      far: 2 ** 32 + 9,
    };
    const entries = Object.entries(times).flatMap(([name, mtime]): [string, TreePlan[string]][] => [
      [name, { content: name, mtime }],
      [`in-${name}/`, { mtime }],
      [`in-${name}/x`, { content: 'x', mtime }],
    ]);
    await place.makeSource('s', Object.fromEntries(entries));
    for (const again of [false, true]) {
      const run = await place.copy(['s/.'], 'd');
      expect({ again, code: run.code, stderr: run.stderr }).toMatchObject({ again, code: 0 });
      const [source, target] = [await readTree(place.source('s')), await readTree(place.target('d'))];
      expect(without(target, 'mtime')).toEqual(without(source, 'mtime'));
      // What the protocol can say is kept.
      for (const name of ['first', 'last32', 'in-last32/']) expect(target[name]).toEqual(source[name]);
    }
  });

  it('--no-preserve leaves modes and times to the side of the target', async () => {
    await place.makeSource('s', { program: { content: 'x', mode: 0o755 }, 'sub/': { mode: 0o711 }, 'sub/f': 'f' });
    const begin = Math.floor(Date.now() / 1000) - 2;
    expectSuccess(await place.copy(['s'], 'd', ['--no-preserve']));
    const tree = await readTree(place.target('d'));
    expect(without(tree, 'mode', 'mtime')).toEqual(without(await readTree(place.source('s')), 'mode', 'mtime'));
    for (const [path, { mtime }] of Object.entries(tree)) expect(mtime, path).toBeGreaterThanOrEqual(begin);
    expect(tree['program']!.mode).toMatch(/^0[64][0246][0246]$/);
    expect(tree['sub/']!.mode).not.toBe('0711');
  });

  it('many files and directories, in one run', async () => {
    const entries = Array.from({ length: 600 }, (_, i): [string, TreePlan[string]] => [
      `${i % 7}/${i % 40}/f${i}`,
      i * 11,
    ]);
    await place.makeSource('s', { ...Object.fromEntries(entries), large: 5_000_000 });
    const run = await copyJson(place.copyOf(['s'], 'd', ['-n', '4']));
    expect(run.code, run.stderr).toBe(0);
    expect(eventsOf(run, 'result')[0]).toMatchObject({ filesDone: 601, filesFailed: 0 });
    await expectCopied(place.source('s'), place.target('d'));
  });
}

/** The account of the server is not root's where that can be had: modes are obstacles for it. */
const starters = {
  sshd: () => startSshd(process.getuid?.() === 0 ? { user: 'nobody' } : {}),
  proftpd: () => startProftpd(),
};

for (const direction of allDirections) {
  const kinds = byTier<readonly ServerKind[]>(direction === 'up' ? ['sshd'] : [], ['sshd', 'proftpd']);
  for (const kind of kinds) {
    const title = `contents of trees ${direction === 'up' ? 'to' : 'from'} a server`;
    describeOn(kind, title, (bed) => contentSuite(bed, direction), starters[kind]);
  }
}
