/** Where a file goes, by what was written and by what stands there: the destination rules of the command line. */
import { chmod, lstat, mkdir, readdir, readFile, readlink, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { copy, type Direction, sidesOf } from '../support/directions.ts';
import { type Bed, describeOn } from '../support/each-server.ts';
import { cleanEnvironment, mtgetPath, mtputPath, sshArguments } from '../support/mtput.ts';
import { standOldTarget } from '../support/old-target.ts';
import { type RunResult, run, runOk } from '../support/process.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { expectFailure, expectSuccess } from '../support/run-outcome.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { byTier, inLongerTiers } from '../support/tier.ts';

let lastPlace = 0;

/** Destinations that are the directory in which relative paths begin. An empty one is in many tests. */
const BEGINNINGS: Readonly<Record<Direction, readonly string[]>> = { up: ['~/', '', '.'], down: ['.', './'] };

/** Of what is replaced; that what arrives is right over both is in the matrix of the quick tier too. */
const LENGTHS = (
  [
    ['longer', 500_000],
    ['shorter', 10],
  ] as const
).slice(0, byTier(1, 2));

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

  /** What is decided for both directions in the same place: in the quick tier, of uploads alone. */
  const decidedAlike = (define: () => void): void => {
    if (direction === 'up') define();
    else inLongerTiers(define);
  };

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

  // [destination, what is there before, where the file is afterwards]
  type Place = readonly [string, readonly string[], string];
  const made: Place = ['deep/er/x', [], 'deep/er/x'];
  const kinds: readonly Place[] = [
    ['d', ['d/', 'd/f'], 'd/f'],
    ['d/', [], 'd/f'],
    ['deep/er/d/.', [], 'deep/er/d/f'],
    ['d/..', ['d/'], 'f'],
  ];
  /** Each is between two of those, or in another test. */
  const between: readonly Place[] = [made, ['x', [], 'x'], ['d', ['d/'], 'd/f'], ['d/', ['d/'], 'd/f']];

  it.each(extent === 'sample' ? [made, ...byTier([], kinds.slice(0, 1))] : few([...kinds, ...byTier([], between)]))(
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

  it.each(BEGINNINGS[direction].slice(0, byTier(1, 3)))(
    "f to '%s': where relative paths begin",
    async (destination) => {
      const name = `beginning-${place}`;
      await writeFile(source(name), place);
      expectSuccess(await copyTo(destination, [name]));
      expect(await readFile(here('..', name), 'utf8')).toBe(place);
    },
  );

  // In the quick tier among the addresses.
  inLongerTiers(() => {
    it('an absolute path', async () => {
      expectSuccess(await copyTo(here('absolute'), ['f']));
      await expectCopy('f', 'absolute');
    });
  });

  // In the quick tier several-files.test.ts and names.test.ts copy many to a missing directory, in both directions.
  inLongerTiers(() => {
    it('several to a missing directory, which is made', async () => {
      expectSuccess(await copyInto(['f', 'g'], 'deep/d'));
      expect(await tree(here())).toEqual(['deep/', 'deep/d/', 'deep/d/f', 'deep/d/g']);
      await expectCopy('f', 'deep/d/f');
      await expectCopy('g', 'deep/d/g');
    });
  });

  decidedAlike(() => {
    it('several onto a file', async () => {
      const old = await standOldTarget(here('d'));
      expectFailure(await copyInto(['f', 'g'], 'd'), 4, /\/d is not a directory\.$/, /Name another destination/);
      await old.expectUntouched();
      expect(await tree(here())).toEqual(['d']);
    });
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

  decidedAlike(() => {
    it('a symbolic link to a directory is followed', async () => {
      await makeDirectory('real');
      await symlink('real', here('link'));
      expectSuccess(await copyInto(['f'], 'link'));
      for (const name of byTier([], ['g'])) expectSuccess(await copyInto([name], 'link/'));
      expect(await tree(here())).toEqual(['link', 'real/', 'real/f', ...byTier([], ['real/g'])]);
    });
  });

  it.each(few(['link', 'd']))('a dangling symbolic link, named as %s', async (target) => {
    await makeDirectory('d');
    await symlink('nowhere', here('link'));
    await symlink('nowhere', here('d/f'));
    expectFailure(await copyInto(['f'], target), 4, /is a symbolic link to something/, /Remove the symbolic link/);
    expect(await tree(here())).toEqual(['d/', 'd/f', 'link']);
  });

  decidedAlike(() => {
    it.each(['d/', 'd/below/x'])('a file where a directory is needed, named as %s', async (target) => {
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
  });

  // What a server says of such a disk is in true-messages.test.ts.
  const onDisk = ['disk/x', 'disk/d/x'].slice(0, byTier(direction === 'down' ? 1 : 0, 2));
  it.for(onDisk)('a directory that cannot be written, named as %s', async (target, context) => {
    // Root may write to any directory, save on a file system that is read-only.
    const disk = await mountSmallDisk(here('disk'), 1_000_000, ['ro']);
    if (typeof disk === 'string') return context.skip(`no file system may be mounted here: ${disk}`);
    onTestFinished(disk.unmount);
    expectFailure(await copyInto(['f'], target), 4, /read-only/, /permissions|another file system/);
    expect(await tree(here())).toEqual(['disk/']);
  });

  decidedAlike(() => {
    it('something that is neither file nor directory', async () => {
      await runOk('mkfifo', [here('pipe')]);
      expectFailure(await copyInto(['f'], 'pipe'), 4, /pipe is not a regular file\.$/, /Name another destination/);
      expect((await lstat(here('pipe'))).isFIFO()).toBe(true);
    });
  });

  /** `words`: with addresses for paths, each of which is given behind the authority. */
  async function copyByAddress(program: string, words: (addressOf: (path: string) => string) => string[]) {
    const { user, host, port, dir } = bed.server;
    const args = words((path) => `sftp://${user}@${host}:${port}${path}`);
    const all = [program, ...sshArguments(bed.server).slice(2), ...args];
    expectSuccess(await run(process.execPath, all, { env: cleanEnvironment(dir) }));
  }

  const byAddress = {
    up: async () => {
      // A relative path that is escaped is relative, too.
      const relative = ['a%20%25b', ...byTier([], ['relative', ''])].map((path) => `/${place}/${path}`);
      for (const path of [...relative, `/${here('absolute')}`]) {
        await copyByAddress(mtputPath, (addressOf) => [source('f'), addressOf(path)]);
      }
      return ['a %b', 'absolute', ...byTier([], ['f', 'relative'])];
    },
    down: async () => {
      for (const name of ['relative', 'absolute', 'a %b']) await writeFile(source(name), name);
      const paths = ['/f', '/relative', '/a%20%25b', `/${source('absolute')}`];
      await copyByAddress(mtgetPath, (addressOf) => [...paths.map(addressOf), `${here()}/`]);
      return ['a %b', 'absolute', 'f', 'relative'];
    },
  };
  it('sftp:// addresses: relative, absolute, escaped', async () => {
    const arrived = await byAddress[direction]();
    expect(await tree(here())).toEqual(arrived);
  });

  it.each(LENGTHS)('a %s target is replaced by another file', async (_what, size) => {
    await writeRandomFile(here('x'), size);
    const { ino } = await stat(here('x'));
    expectSuccess(await copyInto(['f'], 'x'));
    await expectCopy('f', 'x');
    expect((await stat(here('x'))).ino).not.toBe(ino);
    expect(await tree(here())).toEqual(['x']);
  });

  it.each(LENGTHS)('--inplace writes a %s target itself', async (_what, size) => {
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
    // That it arrives where nothing is, is in the matrix.
    for (const target of byTier(['old'], ['new', 'old'])) {
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
    expect(await tree(here())).toEqual(['d/', 'd/f']);
    await old.expectUntouched();
  });

  decidedAlike(() => {
    it('--dry-run makes no directory', async () => {
      expectSuccess(await copyInto(['f'], 'missing/d/', ['--dry-run']));
      expect(await tree(here())).toEqual([]);
    });

    it('--dry-run tells what would fail', async () => {
      await makeDirectory('way/f');
      expectFailure(await copyInto(['f'], 'way', ['--dry-run']), 4, /way\/f is a directory\.$/, /Remove the directory/);
    });
  });
}

describeOn('sshd', 'destinations of uploads', (bed) => destinationSuite(bed, 'up'));
inLongerTiers(() => {
  describeOn('proftpd', 'destinations of uploads', (bed) => destinationSuite(bed, 'up', 'sample'));
});
// The destination is here, whatever the server is.
describeOn('sshd', 'destinations of downloads', (bed) => destinationSuite(bed, 'down'));
