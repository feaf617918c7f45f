/** Where a file goes, by what was written and by what stands there: the destination rules of the command line. */
import { chmod, lstat, mkdir, readdir, readFile, readlink, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { copy, type Direction, sidesOf } from '../support/directions.ts';
import { type Bed, describeOn, describeOnEach } from '../support/each-server.ts';
import { cleanEnvironment, mtgetPath, mtputPath, sshArguments } from '../support/mtput.ts';
import { standOldTarget } from '../support/old-target.ts';
import { type RunResult, run, runOk } from '../support/process.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { expectFailure, expectSuccess } from '../support/run-outcome.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { byTier } from '../support/tier.ts';

let lastPlace = 0;

/** Destinations that are the directory in which relative paths begin. */
const BEGINNINGS: Readonly<Record<Direction, readonly string[]>> = { up: ['', '.', '~/'], down: ['.', './'] };

/** Of what is replaced. */
const LENGTHS: readonly (readonly [string, number])[] = [
  ['longer', 500_000],
  ['shorter', 10],
];

/** Everything below `directory`, sorted; directories end in `/`. */
async function tree(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  return entries
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1) + (entry.isDirectory() ? '/' : ''))
    .sort();
}

/** `extent`: `sample` for the few that show that another server is no other. */
function destinationSuite(bed: Bed, direction: Direction, extent: 'all' | 'sample' = 'all'): void {
  /** A directory of its own for each test, where relative paths of destinations begin. */
  let place: string;
  const here = (...names: string[]) => join(sidesOf(direction, bed).targets, place, ...names);
  const source = (name: string) => join(sidesOf(direction, bed).sources, name);

  /** Of a table for both directions, what the quick tier has of it for downloads. */
  const few = <Row>(rows: readonly Row[]): readonly Row[] =>
    direction === 'down' ? byTier(rows.slice(0, 1), rows) : rows;

  beforeAll(async () => {
    await writeRandomFile(source('f'), 100_000);
    await writeRandomFile(source('g'), 50_000);
  });
  beforeEach(async () => {
    place = `place-${++lastPlace}`;
    await mkdir(here());
    await openToAll(here());
  });

  /** proftpd's user is not the one who makes directories here. */
  async function openToAll(directory: string): Promise<void> {
    await chmod(directory, 0o777);
  }

  async function makeDirectory(...names: string[]): Promise<void> {
    await mkdir(here(...names), { recursive: true });
    for (let path = here(...names); path !== here(); path = dirname(path)) await openToAll(path);
  }

  function copyTo(destination: string, sources: readonly string[], more: readonly string[] = []): Promise<RunResult> {
    return copy({ direction, server: bed.server, cwd: bed.dir.path, sources, destination, more });
  }

  function copyInto(sources: readonly string[], target: string, more: readonly string[] = []): Promise<RunResult> {
    return copyTo(`${place}/${target}`, sources, more);
  }

  async function expectCopy(name: string, ...names: string[]): Promise<void> {
    expect(await sha256Of(here(...names))).toBe(await sha256Of(source(name)));
  }

  const places: readonly (readonly [string, readonly string[], string])[] = [
    // [destination, what is there before, where the file is afterwards]
    ['d', ['d/', 'd/f'], 'd/f'],
    ['deep/er/x', [], 'deep/er/x'],
    ['x', [], 'x'],
    ['d/', [], 'd/f'],
    ['deep/er/d/.', [], 'deep/er/d/f'],
    ['d', ['d/'], 'd/f'],
    ['d/', ['d/'], 'd/f'],
    ['d/..', ['d/'], 'f'],
  ];

  it.each(extent === 'sample' ? places.slice(0, 2) : few(places))(
    'f to %s, where there is %j: %s',
    async (target, before, after) => {
      for (const name of before) {
        if (name.endsWith('/')) await makeDirectory(name);
        else await writeFile(here(name), 'old');
      }
      expectSuccess(await copyInto(['f'], target));
      await expectCopy('f', after);
      expect((await tree(here())).filter((name) => !name.endsWith('/'))).toEqual([after]);
    },
  );

  if (extent === 'sample') return;

  it.each(few(BEGINNINGS[direction]))("f to '%s': where relative paths begin", async (destination) => {
    const name = `beginning-${place}`;
    await writeFile(source(name), place);
    expectSuccess(await copyTo(destination, [name]));
    expect(await readFile(here('..', name), 'utf8')).toBe(place);
  });

  it('an absolute path', async () => {
    expectSuccess(await copyTo(here('absolute'), ['f']));
    await expectCopy('f', 'absolute');
  });

  it('several to a missing directory, which is made', async () => {
    expectSuccess(await copyInto(['f', 'g'], 'deep/d'));
    expect(await tree(here())).toEqual(['deep/', 'deep/d/', 'deep/d/f', 'deep/d/g']);
    await expectCopy('f', 'deep/d/f');
    await expectCopy('g', 'deep/d/g');
  });

  it('several onto a file', async () => {
    const old = await standOldTarget(here('d'));
    expectFailure(await copyInto(['f', 'g'], 'd'), 4, /\/d is not a directory\.$/, /Name another destination/);
    await old.expectUntouched();
    expect(await tree(here())).toEqual(['d']);
  });

  it('a symbolic link to a file is followed and stays', async () => {
    await makeDirectory('elsewhere');
    await writeFile(here('elsewhere/real'), 'old');
    await symlink('elsewhere/real', here('link'));
    expectSuccess(await copyInto(['f'], 'link'));
    expect(await readlink(here('link'))).toBe('elsewhere/real');
    await expectCopy('f', 'elsewhere/real');
    expect(await tree(here())).toEqual(['elsewhere/', 'elsewhere/real', 'link']);
  });

  it('a symbolic link to a directory is followed', async () => {
    await makeDirectory('real');
    await symlink('real', here('link'));
    expectSuccess(await copyInto(['f'], 'link'));
    expectSuccess(await copyInto(['g'], 'link/'));
    expect(await tree(here())).toEqual(['link', 'real/', 'real/f', 'real/g']);
  });

  it.each(few(['link', 'd']))('a dangling symbolic link, named as %s', async (target) => {
    await makeDirectory('d');
    await symlink('nowhere', here('link'));
    await symlink('nowhere', here('d/f'));
    expectFailure(await copyInto(['f'], target), 4, /is a symbolic link to something/, /Remove the symbolic link/);
    expect(await tree(here())).toEqual(['d/', 'd/f', 'link']);
  });

  it.each(few(['d/', 'd/below/x']))('a file where a directory is needed, named as %s', async (target) => {
    const old = await standOldTarget(here('d'));
    expectFailure(
      await copyInto(['f'], target),
      4,
      /\/d(\/below)?\/? is not a directory\.$/,
      /Name another destination/,
    );
    await old.expectUntouched();
    expect(await tree(here())).toEqual(['d']);
  });

  it('a directory where the file is to be', async () => {
    await makeDirectory('d/f');
    expectFailure(await copyInto(['f'], 'd'), 4, /d\/f is a directory\.$/, /Remove the directory/);
    expect(await tree(here())).toEqual(['d/', 'd/f/']);
  });

  it.for(few(['disk/x', 'disk/d/x']))('a directory that cannot be written, named as %s', async (target, context) => {
    // Root may write to any directory, save on a file system that is read-only.
    const disk = await mountSmallDisk(here('disk'), 1_000_000, ['ro']);
    if (typeof disk === 'string') return context.skip(`no file system may be mounted here: ${disk}`);
    onTestFinished(disk.unmount);
    expectFailure(await copyInto(['f'], target), 4, /read-only/, /permissions|another file system/);
    expect(await tree(here())).toEqual(['disk/']);
  });

  it('something that is neither file nor directory', async () => {
    await runOk('mkfifo', [here('pipe')]);
    expectFailure(await copyInto(['f'], 'pipe'), 4, /pipe is not a regular file\.$/, /Name another destination/);
    expect((await lstat(here('pipe'))).isFIFO()).toBe(true);
  });

  /** `paths`: behind the authority of an address. */
  async function copyByAddress(program: string, paths: readonly string[], words: (address: string) => string[]) {
    const { user, host, port, dir } = bed.server;
    for (const path of paths) {
      const args = [...sshArguments(bed.server).slice(2), ...words(`sftp://${user}@${host}:${port}${path}`)];
      expectSuccess(await run(process.execPath, [program, ...args], { env: cleanEnvironment(dir) }));
    }
  }

  const byAddress = {
    up: async () => {
      const paths = ['relative', 'a%20%25b', ''].map((path) => `/${place}/${path}`);
      await copyByAddress(mtputPath, [...paths, `/${here('absolute')}`], (address) => [source('f'), address]);
    },
    down: async () => {
      for (const name of ['relative', 'absolute', 'a %b']) await writeFile(source(name), name);
      const paths = ['/f', '/relative', '/a%20%25b', `/${source('absolute')}`];
      await copyByAddress(mtgetPath, paths, (address) => [address, `${here()}/`]);
    },
  };
  it('sftp:// addresses: relative, absolute, escaped', async () => {
    await byAddress[direction]();
    expect(await tree(here())).toEqual(['a %b', 'absolute', 'f', 'relative']);
  });

  it.each(few(LENGTHS))('a %s target is replaced by another file', async (_what, size) => {
    await writeRandomFile(here('x'), size);
    const { ino } = await stat(here('x'));
    expectSuccess(await copyInto(['f'], 'x'));
    await expectCopy('f', 'x');
    expect((await stat(here('x'))).ino).not.toBe(ino);
    expect(await tree(here())).toEqual(['x']);
  });

  it.each(few(LENGTHS))('--inplace writes a %s target itself', async (_what, size) => {
    await writeRandomFile(here('x'), size);
    await chmod(here('x'), 0o666);
    // Not the owner, who alone may set times and modes.
    const { ino } = await stat(here('x'));
    expectSuccess(await copyInto(['f'], 'x', ['--inplace', '--no-preserve']));
    await expectCopy('f', 'x');
    expect((await stat(here('x'))).ino).toBe(ino);
    expect(await tree(here())).toEqual(['x']);
  });

  it('--inplace makes a new file, and writes through a symbolic link', async () => {
    expectSuccess(await copyInto(['g'], 'real', ['--inplace']));
    await expectCopy('g', 'real');
    await symlink('real', here('link'));
    const { ino } = await stat(here('real'));
    expectSuccess(await copyInto(['f'], 'link', ['--inplace']));
    expect(await readlink(here('link'))).toBe('real');
    expect((await stat(here('real'))).ino).toBe(ino);
    await expectCopy('f', 'real');
  });

  it('an empty file, and one over a longer target', async () => {
    await writeFile(source('empty'), '');
    await utimes(source('empty'), 1_234_567_890, 1_234_567_890);
    await writeFile(here('old'), 'old');
    for (const target of ['new', 'old']) {
      expectSuccess(await copyInto(['empty'], target));
      expect(await stat(here(target))).toMatchObject({ size: 0, mtimeMs: 1_234_567_890_000 });
    }
    await writeFile(here('inplace'), 'old');
    await chmod(here('inplace'), 0o666);
    expectSuccess(await copyInto(['empty'], 'inplace', ['--inplace', '--no-preserve']));
    expect((await stat(here('inplace'))).size).toBe(0);
  });

  it('mode bits and times, without setuid, setgid and sticky', async () => {
    const modes = [0o600, 0o640, 0o444, 0o755, 0o4755, 0o2755, 0o1644, 0o7777];
    const names = modes.map((mode) => `mode-${mode.toString(8)}`);
    for (const [i, name] of names.entries()) {
      await writeFile(source(name), 'x');
      await chmod(source(name), modes[i] as number);
      await utimes(source(name), 1_111_111_111, 1_111_111_111.9);
    }
    expectSuccess(await copyInto(names, ''));
    for (const [i, name] of names.entries()) {
      const { mode, mtimeMs } = await stat(here(name));
      expect([name, mode & 0o7777, mtimeMs]).toEqual([name, (modes[i] as number) & 0o777, 1_111_111_111_000]);
    }
  });

  it('--no-preserve leaves mode and time to the side of the target', async () => {
    await writeFile(source('moded'), 'x');
    await chmod(source('moded'), 0o755);
    await utimes(source('moded'), 1_000_000_000, 1_000_000_000);
    const begin = Date.now();
    expectSuccess(await copyInto(['moded'], 'moded', ['--no-preserve']));
    const there = await stat(here('moded'));
    expect(there.mode & 0o111).toBe(0);
    expect(there.mtimeMs).toBeGreaterThan(begin - 2000);
  });

  it('--dry-run lists and writes nothing', async () => {
    await makeDirectory('d');
    const old = await standOldTarget(here('d/f'));
    const { code, stdout, stderr } = await copyInto(['f', 'g'], 'd', ['--dry-run']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/^f -> .*\/d\/f \(.* KiB, replaces what is there\)$/),
      expect.stringMatching(/^g -> .*\/d\/g \(.* KiB\)$/),
    ]);
    expectSuccess(await copyInto(['f'], 'missing/d/', ['--dry-run']));
    expect(await tree(here())).toEqual(['d/', 'd/f']);
    await old.expectUntouched();
  });

  it('--dry-run tells what would fail', async () => {
    await makeDirectory('way/f');
    expectFailure(await copyInto(['f'], 'way', ['--dry-run']), 4, /way\/f is a directory\.$/, /Remove the directory/);
  });
}

describeOnEach(
  'destinations of uploads',
  (bed) => destinationSuite(bed, 'up'),
  (bed) => destinationSuite(bed, 'up', 'sample'),
);
// The destination is here, whatever the server is.
describeOn('sshd', 'destinations of downloads', (bed) => destinationSuite(bed, 'down'));
