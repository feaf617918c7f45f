/** Servers whose directories hold what none can hold. Nothing is written outside of the destination. */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path/posix';
import { expect, it } from 'vitest';
import type { NameEntry } from '../../src/remotes/sftp/codec/replies.ts';
import { tempDirForTest } from '../support/for-one-test.ts';
import { makeTree } from '../support/make-tree.ts';
import { type DiskFile, listedAs, StandInSftpServer } from '../support/stand-in-sftp-server.ts';
import { type MeasuredRun, standInSshServer } from '../support/stand-in-ssh-server.ts';
import { byTier } from '../support/tier.ts';
import { listTree } from '../support/tree.ts';

/** More than a directory may have: 2,000,000. */
const TOO_MANY = byTier(2_500_000, 10_000_000);
const IN_ONE_ANSWER = 2000;
const MAX_MB = 400;
const TIMEOUT_MS = byTier(120_000, 400_000);

const file: DiskFile = { bytes: Buffer.from('evil'), kind: 'file', mode: 0o644, mtimeSeconds: 1000 };
const directory: DiskFile = { bytes: Buffer.alloc(0), kind: 'directory', mode: 0o755, mtimeSeconds: 1000 };
const linkTo = (text: string): DiskFile => ({ ...file, kind: 'link', bytes: Buffer.from(text, 'latin1') });

/** Of `/s`. Everything below it is a file, save for directories that are listed. */
type Listing = (place: string) => Iterable<readonly NameEntry[]>;

interface Got extends MeasuredRun {
  /** Everything that is in the place of the destination `d` and of what must stay as it is. */
  readonly there: readonly string[];
  /** What the server was asked. */
  readonly asked: readonly string[];
}

/** Gets `/s` from a server with this listing. */
async function get(listing: Listing, more: readonly string[] = []): Promise<Got> {
  const dir = await tempDirForTest();
  await mkdir(dir.file('outside'));
  await writeFile(dir.file('outside/file'), 'only copy');
  const entries = [...take(listing(dir.path), 3)].flat();
  const sftp = new StandInSftpServer({
    listing: (path) => (path === '/s' ? listing(dir.path) : undefined),
    finds: (path) => {
      const entry = entries.filter(({ name }) => `/s/${Buffer.from(name).toString('latin1')}` === path).at(-1);
      return entry === undefined ? file : kindOf(entry, dir.path);
    },
  });
  sftp.put('/s', '', { kind: 'directory', mode: 0o755 });
  const server = await standInSshServer(sftp);
  const run = await server.get('/s', dir.file('d'), more, TIMEOUT_MS);
  return { ...run, there: await listTree(dir.path), asked: sftp.asked };
}

function kindOf({ attributes }: NameEntry, place: string): DiskFile {
  const kind = (attributes.permissions ?? 0) >> 12;
  if (kind === 0o12) return linkTo(`${place}/outside`);
  return kind === 0o04 ? directory : file;
}

function* take<T>(all: Iterable<T>, count: number): Generator<T> {
  let taken = 0;
  for (const one of all) {
    if (taken++ === count) return;
    yield one;
  }
}

/** It ended by itself, with an error that is one of a copy, told in sentences, within the memory it may have. */
function expectClearError(run: MeasuredRun): void {
  expect([1, 3, 8], run.stderr.slice(0, 5000)).toContain(run.code);
  expect(run.stderr).toMatch(/^mt(get|put): \S.*\.$/m);
  expect(run.stderr).not.toMatch(/^ +at /m);
  expect(run.stderr).not.toMatch(/[^\P{Cc}\n]/u);
  expect(run.peakMB).toBeLessThan(MAX_MB);
}

/** What is outside of `d` is as it was, though the directory was listed. */
function expectNothingOutside({ there, asked }: Got): void {
  expect(asked).toContain('readdir');
  expect(there.filter((line) => !/^d(\/|$)/.test(line))).toEqual(['outside/', 'outside/file=only copy']);
}

const good = listedAs('good', file);
const named = (...names: readonly string[]): Listing => {
  return () => [[good, ...names.map((name) => listedAs(name, file))]];
};

const EVIL_NAMES: Readonly<Record<string, Listing>> = {
  'a way up': named('../x'),
  'a way up, through itself': named('good/../../x', '../outside/file'),
  'an absolute path': (place) => named(`${place}/x`, `${place}/outside/file`)(place),
  'a path down': named('below/x'),
  'a slash at the end': named('x/'),
  'no name': named(''),
  NUL: named('nul\0', 'good\0'),
  '100,000 bytes': named('x'.repeat(100_000)),
  'a directory that is a way up': () => [[good, listedAs('..', directory), listedAs('../outside', directory)]],
  'the same name twice': () => [[good], [good]],
  'a file, and a directory of its name': () => [[good, listedAs('good', directory)]],
};

it('the stand-in is a server like others: a file arrives, and a directory may be written', async () => {
  const dir = await tempDirForTest();
  const sftp: StandInSftpServer = new StandInSftpServer();
  for (const path of ['/', '/d']) sftp.put(path, '', { kind: 'directory', mode: 0o755 });
  sftp.put('/good', 'good');
  const server = await standInSshServer(sftp);
  const run = await server.get('/good', dir.file('got'), [], TIMEOUT_MS);
  expect(run.code, run.stderr).toBe(0);
  expect(await listTree(dir.path)).toEqual(['got=good']);
  expect(run.peakMB).toBeLessThan(MAX_MB);
  const back = await server.put(dir.file('got'), '/d/', [], TIMEOUT_MS);
  expect(back.code, back.stderr).toBe(0);
  expect(sftp.read('/d/got')?.toString()).toBe('good');
});

it.each(Object.entries(EVIL_NAMES))('%s: refused', async (_title, listing) => {
  const run = await get(listing);
  expectClearError(run);
  expectNothingOutside(run);
  // Whether what else there is arrives depends on how it is refused.
  expect(['d/', 'd/good=evil']).toEqual(expect.arrayContaining(run.there.filter((line) => /^d\//.test(line))));
});

it('. and .., as files and directories, again and again: left out', async () => {
  const dots = ['.', '..'].flatMap((name) => [listedAs(name, file), listedAs(name, directory)]);
  const run = await get(() => [dots, [...dots, good], dots]);
  expect([0, 1, 8], run.stderr).toContain(run.code);
  expectNothingOutside(run);
  expect(run.there.filter((line) => /^d\/(?!$|good=)/.test(line))).toEqual([]);
});

const SAME_NAME: Readonly<Record<string, Listing>> = {
  'a link, then a directory': (place) => [[listedAs('x', linkTo(place))], [listedAs('x', directory), good]],
  'a directory, then a link': (place) => [[listedAs('x', directory), good], [listedAs('x', linkTo(place))]],
  'a link, then a file': (place) => [[listedAs('x', linkTo(place)), good, listedAs('x', file)]],
};

it.each(Object.entries(SAME_NAME))(
  '--links copy, %s, of the same name: nothing is written through it',
  async (_title, listing) => {
    const run = await get(listing, ['--links', 'copy']);
    expectClearError(run);
    expectNothingOutside(run);
  },
);

it('a link out of the tree is copied as it is, and not followed later', async () => {
  const dir = await tempDirForTest();
  await makeTree(dir.path, { 'outside/file': 'only copy' });
  const sftp = new StandInSftpServer();
  for (const [path, entry] of [
    ['/s', directory],
    ['/s/out', linkTo('../outside')],
    ['/s/out-file', linkTo('../outside/file')],
    ['/s/good', file],
  ] as const)
    sftp.disk.set(path, { ...entry });
  const server = await standInSshServer(sftp);
  const links = ['--links', 'copy'];
  expect((await server.get('/s', dir.file('d'), links, TIMEOUT_MS)).code).toBe(0);
  const copied = ['d/', 'd/good=evil', 'd/out -> ../outside', 'd/out-file -> ../outside/file'];
  const before = ['outside/', 'outside/file=only copy'];
  expect(await listTree(dir.path)).toEqual([...copied, ...before]);
  // The server now has something else by these names.
  sftp.disk.set('/s/out', { ...directory });
  sftp.disk.set('/s/out/file', { ...file });
  sftp.disk.set('/s/out-file', { ...file });
  const run = await server.get('/s/.', dir.file('d'), links, TIMEOUT_MS);
  expect([0, 1], run.stderr).toContain(run.code);
  expect(await listTree(dir.file('outside'))).toEqual(['file=only copy']);
});

it('a directory that contains itself without end', async () => {
  const dir = await tempDirForTest();
  const sftp = new StandInSftpServer({
    listing: () => [[listedAs('loop', directory), good]],
    finds: (path) => (['loop', 's'].includes(basename(path)) ? directory : file),
  });
  const server = await standInSshServer(sftp);
  const run = await server.get('/s', dir.file('d'), [], TIMEOUT_MS);
  expectClearError(run);
  expect(run.stderr).toMatch(/loop/);
});

function* tooMany(): Generator<NameEntry[]> {
  for (let first = 0; first < TOO_MANY; first += IN_ONE_ANSWER) {
    yield Array.from({ length: IN_ONE_ANSWER }, (_, i) => listedAs(`f${first + i}`, file));
  }
}

function* forever(answer: readonly NameEntry[]): Generator<readonly NameEntry[]> {
  for (;;) yield answer;
}

const ENDLESS: Readonly<Record<string, Listing>> = {
  'nothing but . and .., forever': () =>
    forever(Array.from({ length: IN_ONE_ANSWER }, (_, i) => listedAs(i % 2 === 0 ? '.' : '..', directory))),
  // The bound itself is in unit/engine/tree/entry-list.
  ...byTier<Readonly<Record<string, Listing>>>(
    {},
    {
      [`${TOO_MANY} entries`]: tooMany,
      'the same name, forever': () => forever(Array.from({ length: IN_ONE_ANSWER }, () => good)),
    },
  ),
};

it.each(Object.entries(ENDLESS))(
  'a directory with %s: an error, in bounded time and memory',
  async (_title, listing) => {
    const run = await get(listing);
    expectClearError(run);
    expect(run.stderr).toMatch(/entries|listing|names/);
    expectNothingOutside(run);
  },
  TIMEOUT_MS + 20_000,
);

it('an answer without entries is the end of a listing, however many could follow', async () => {
  const run = await get(() => forever([]));
  expect(run.code, run.stderr).toBe(0);
  expectNothingOutside(run);
});

it('mtput removes nothing that a listing of its target makes up', async () => {
  const dir = await tempDirForTest();
  await makeTree(dir.file('s'), { a: 'a', 'sub/b': 'b' });
  const removed: string[] = [];
  const leftovers = ['../', '/', 'sub/', '../../etc/'].map((at) => listedAs(`${at}.a.0123456789abcdef.mtpart`, file));
  const sftp: StandInSftpServer = new StandInSftpServer({
    listing: (path) => (path === '/d' ? [leftovers, [listedAs('..', directory), listedAs('', file)]] : undefined),
    refuseRemove: (path) => {
      removed.push(path);
      return false;
    },
  });
  for (const path of ['/', '/d', '/d/sub']) sftp.put(path, '', { kind: 'directory', mode: 0o755 });
  const server = await standInSshServer(sftp);
  const run = await server.put(`${dir.file('s')}/.`, '/d', [], TIMEOUT_MS);
  expect([0, 1, 8], run.stderr).toContain(run.code);
  const own = removed.filter((path) => !/\.0123456789abcdef\.mtpart$/.test(path));
  expect(removed).toEqual(own);
  for (const path of own) expect(['/d', '/d/sub']).toContain(dirname(path));
});
