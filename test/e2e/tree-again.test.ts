/** A tree that is copied again: what is up to date is not sent. */
import { chmod, mkdir, stat, utimes, writeFile } from 'node:fs/promises';
import { beforeEach, expect, it } from 'vitest';
import { allDirections, copyJson, type Direction } from '../support/directions.ts';
import { type Bed, describeOn, type ServerKind } from '../support/each-server.ts';
import { FILE_MTIME, type TreePlan } from '../support/make-tree.ts';
import { eventsOf, type JsonRun } from '../support/mtput.ts';
import { startProftpd } from '../support/proftpd.ts';
import { expectSuccess } from '../support/run-outcome.ts';
import { byTier } from '../support/tier.ts';
import { entryOf, expectCopied, filesIn, readTree, without } from '../support/tree.ts';
import { type TreePlace, treePlace } from '../support/tree-place.ts';

/** Nobody's own content is that of another, and digests differ. */
const SOURCE: TreePlan = {
  './': { mode: 0o750 },
  a: 'content of a',
  b: 'content of b',
  none: '',
  large: 6_000_000,
  'sub/c': { content: 'content of c', mode: 0o444, mtime: 1_234_567_890 },
  'sub/deep/d': 70_000,
  'closed/': { mode: 0o555 },
  'closed/e': 'content of e',
  'empty/': {},
};
const COUNT = 7;
const BYTES = 3 * 12 + 12 + 6_000_000 + 70_000;

/** What the run that is copied again, with other options or another source, tells in the end. */
function resultOf(run: JsonRun): object {
  expect(run.code, run.stderr).toBe(0);
  return eventsOf(run, 'result')[0]!;
}

/** Nothing was sent. */
const UP_TO_DATE = { bytesSent: 0, filesSkipped: COUNT, filesFailed: 0 };
const ONE_SENT = { filesSkipped: COUNT - 1, filesFailed: 0 };

/** `extent`: in the quick tier, few of the tests show that another server and direction are no others. */
function againSuite(bed: Bed, direction: Direction, extent: 'all' | 'few'): void {
  const inAll = (title: string, test: () => Promise<void>): void => {
    if (extent === 'all') it(title, test);
  };

  let place: TreePlace;
  let target: (path: string) => string;
  let source: (path: string) => string;

  const again = async (...more: readonly string[]) => resultOf(await copyJson(place.copyOf(['s/.'], 'd', more)));

  /** The same size and time: only the content tells. */
  async function changeContent(): Promise<void> {
    await place.makeSource('s', { ...SOURCE, b: 'CONTENT OF B' });
  }

  beforeEach(async () => {
    place = treePlace(bed, direction);
    target = (path) => place.target('d', path);
    source = (path) => place.source('s', path);
    await place.makeTarget('', {});
    await place.makeSource('s', SOURCE);
    expectSuccess(await place.copy(['s/.'], 'd'));
    await expectCopied(source(''), target(''));
  });

  it('sends nothing, and leaves every file as it is', async () => {
    const inodes = async () =>
      Promise.all((await filesIn(target(''))).map(async (path) => (await stat(target(path))).ino));
    const before = await inodes();
    expect(before).toHaveLength(COUNT);
    expect(await again()).toMatchObject(UP_TO_DATE);
    expect(await inodes()).toEqual(before);
    await expectCopied(source(''), target(''));
  });

  it('a file of another time has it afterwards', async () => {
    await utimes(source('b'), 1_600_000_000, 1_600_000_000);
    // Its contents are compared, and only its time is set.
    expect(await again()).toMatchObject({ filesSkipped: COUNT, filesFailed: 0, bytesSent: 0 });
    expect(await entryOf(target(''), 'b')).toMatchObject({ mtime: 1_600_000_000, size: 12 });
    await expectCopied(source(''), target(''));
    expect(await again()).toMatchObject(UP_TO_DATE);
  });

  inAll('fractions of a second are no difference', async () => {
    await utimes(source('b'), FILE_MTIME, FILE_MTIME + 0.75);
    expect(await again()).toMatchObject(UP_TO_DATE);
  });

  inAll('a file of another size is sent', async () => {
    await place.makeSource('s', { ...SOURCE, b: 'more content of b' });
    expect(await again()).toMatchObject({ ...ONE_SENT, bytesSent: 17, filesDone: 1 });
    await expectCopied(source(''), target(''));
  });

  it('a file that is new is sent, and one that is gone stays at the target', async () => {
    await place.makeSource('s', { ...SOURCE, 'sub/new': 'new' });
    await place.makeTarget('d', { old: 'old' });
    expect(await again()).toMatchObject({ bytesSent: 3, filesSkipped: COUNT });
    expect(Object.keys(await readTree(target('')))).toEqual(expect.arrayContaining(['old', 'sub/new']));
  });

  inAll('--checksum finds another content of the same size and time', async () => {
    await changeContent();
    expect(await again()).toMatchObject(UP_TO_DATE);
    expect(await again('--checksum')).toMatchObject({ ...ONE_SENT, bytesSent: 12 });
    await expectCopied(source(''), target(''));
    expect(await again('--checksum')).toMatchObject(UP_TO_DATE);
  });

  inAll('--checksum does not send what is the same and has another time', async () => {
    await utimes(source('large'), 1_600_000_000, 1_600_000_000);
    expect(await again('--checksum')).toMatchObject({ bytesSent: 0 });
    await expectCopied(source(''), target(''));
  });

  inAll('--force sends everything', async () => {
    await changeContent();
    expect(await again('--force')).toMatchObject({ filesSkipped: 0, filesDone: COUNT });
    await expectCopied(source(''), target(''));
  });

  inAll('--ignore-existing leaves what is there', async () => {
    await place.makeSource('s', { ...SOURCE, b: 'another size', 'sub/new': 'new' });
    await place.makeTarget('d', { ...SOURCE, a: 'theirs', b: 'theirs' });
    expect(await again('--ignore-existing')).toMatchObject({ bytesSent: 3, filesSkipped: COUNT });
    for (const name of ['a', 'b']) expect(await entryOf(target(''), name)).toMatchObject({ size: 6 });
    expect(await entryOf(target(''), 'sub/new')).toMatchObject({ size: 3 });
  });

  inAll('--checksum --dry-run lists what differs, and changes nothing', async () => {
    await changeContent();
    await chmod(target('empty'), 0o700);
    const before = await readTree(target(''));
    const run = await place.copy(['s/.'], 'd', ['--checksum', '--dry-run']);
    expectSuccess(run);
    expect(run.stdout.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/\bb -> .*\/b \(.*replaces what is there\)$/),
    ]);
    expect(await readTree(target(''))).toEqual(before);
    // As a script wants it: nothing to list, nothing to do.
    expectSuccess(await place.copy(['s/.'], 'd', ['--checksum']));
    expect((await place.copy(['s/.'], 'd', ['--checksum', '--dry-run'])).stdout).toBe('');
  });

  inAll('--dry-run lists everything where there is nothing, and makes nothing', async () => {
    const run = await copyJson(place.copyOf(['s'], 'elsewhere', ['--dry-run']));
    expect(run.code, run.stderr).toBe(0);
    const listed = eventsOf(run, 'file').filter(({ state }) => state === 'would-copy');
    expect(listed.map(({ target: path }) => path.split('elsewhere/')[1]).sort()).toEqual(await filesIn(source('')));
    expect(Object.keys(await readTree(place.target())).filter((path) => path.startsWith('elsewhere'))).toEqual([]);
    expect(eventsOf(run, 'result')[0]).toMatchObject({ exitCode: 0, bytesSent: 0 });
  });

  inAll('directories have their modes and times again', async () => {
    await chmod(target('sub'), 0o700);
    await utimes(target('sub/deep'), 1, 1);
    await utimes(target('empty'), 1, 1);
    await chmod(target('closed'), 0o755);
    expect(await again()).toMatchObject(UP_TO_DATE);
    await expectCopied(source(''), target(''));
  });

  inAll('a file of another mode has it again', async () => {
    await chmod(target('a'), 0o600);
    expect(await again()).toMatchObject({ filesFailed: 0 });
    await expectCopied(source(''), target(''));
  });

  inAll('--no-preserve: what has another time is compared by digests, and sent without a provider', async () => {
    expect(resultOf(await copyJson(place.copyOf(['s'], 'e', ['--no-preserve'])))).toMatchObject({ bytesSent: BYTES });
    const more = ['--no-preserve', '--verify', 'auto'];
    const second = await copyJson(place.copyOf(['s/.'], 'e', more));
    expect(resultOf(second)).toMatchObject(UP_TO_DATE);
    const third = await copyJson(place.copyOf(['s/.'], 'e', [...more, '--digest-provider', 'none']));
    // An empty file needs no digest.
    expect(resultOf(third)).toMatchObject({ bytesSent: BYTES });
    expect(without(await readTree(place.target('e')), 'mode', 'mtime')).toEqual(
      without(await readTree(source('')), 'mode', 'mtime'),
    );
  });

  inAll('partial files that nobody has written to for a day are removed', async () => {
    const old = ['.a.0123456789abcdef.mtpart', 'sub/.gone.00000000000000ff.mtpart'];
    const young = ['.a.fedcba9876543210.mtpart', 'sub/.gone.ff00000000000000.mtpart'];
    // They are called like one, and are none.
    const others = ['.a.0123.mtpart', 'a.0123456789abcdef.mtpart', 'sub/.a.0123456789ABCDEF.mtpart'];
    const isThere = async () => (await filesIn(target(''))).filter((path) => /mtpart/.test(path));
    const hour = 3600;
    const now = Math.floor(Date.now() / 1000);
    const entry = (age: number) => ({ content: 'part', mode: 0o600, mtime: now - age });
    await place.makeTarget('d', {
      ...SOURCE,
      ...Object.fromEntries(old.map((path) => [path, entry(25 * hour)])),
      ...Object.fromEntries(young.map((path) => [path, entry(23 * hour)])),
      ...Object.fromEntries(others.map((path) => [path, entry(99 * hour)])),
    });
    const directory = target('.d.0123456789abcdef.mtpart');
    await mkdir(directory);
    await utimes(directory, 1, 1);
    await writeFile(source('sub/new'), 'new');
    await chmod(source('sub/new'), 0o644);
    const dry = await place.copy(['s/.'], 'd', ['--dry-run']);
    expectSuccess(dry);
    for (const path of old) expect(dry.stdout).toContain(`/${path.split('/').at(-1)}`);
    for (const path of [...young, ...others]) expect(dry.stdout).not.toContain(`/${path.split('/').at(-1)}`);
    expect(await isThere()).toEqual([...old, ...young, ...others].sort());
    expectSuccess(await place.copy(['s/.'], 'd'));
    expect(await isThere()).toEqual([...young, ...others].sort());
    expect((await stat(directory)).isDirectory()).toBe(true);
  });
}

/** Setting times is answered with OK, and nothing is done. */
function timelessSuite(bed: Bed): void {
  it('what has another time than it was given is compared by digests, and sent without a provider', async () => {
    const place = treePlace(bed, 'up');
    await place.makeTarget('', {});
    await place.makeSource('s', SOURCE);
    const again = async (...more: readonly string[]) => resultOf(await copyJson(place.copyOf(['s/.'], 'd', more)));
    expect(await again()).toMatchObject({ bytesSent: BYTES, filesSkipped: 0 });
    expect(await entryOf(place.target('d'), 'a')).not.toMatchObject({ mtime: FILE_MTIME });
    expect(await again()).toMatchObject(UP_TO_DATE);
    const why = await place.copy(['s/.'], 'd', ['--digest-provider', 'none', '-v']);
    expectSuccess(why);
    expect(why.stderr).toMatch(/\btimes?\b/);
    expect(await again('--digest-provider', 'none')).toMatchObject({ bytesSent: BYTES });
    await place.makeSource('s', { ...SOURCE, b: 'CONTENT OF B' });
    expect(await again()).toMatchObject({ ...ONE_SENT, bytesSent: 12 });
  });
}

for (const direction of allDirections) {
  const way = direction === 'up' ? 'to' : 'from';
  const kinds = byTier<readonly ServerKind[]>(direction === 'up' ? ['sshd'] : ['proftpd'], ['sshd', 'proftpd']);
  for (const kind of kinds)
    describeOn(kind, `a tree ${way} a server, again`, (bed) =>
      againSuite(bed, direction, direction === 'up' ? 'all' : byTier<'all' | 'few'>('few', 'all')),
    );
}
describeOn('proftpd', 'a tree to a server that keeps no times, again', timelessSuite, () =>
  startProftpd({ directives: ['SFTPOptions IgnoreSFTPSetTimes'] }),
);
