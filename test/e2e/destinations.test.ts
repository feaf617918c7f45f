/** Where a file goes, by what was written and by what stands there: the destination rules of the command line. */
import { chmod, lstat, mkdir, readdir, readFile, readlink, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { type Bed, describeOnEach } from '../support/each-server.ts';
import { cleanEnvironment, mtput, mtputPath, sshArguments } from '../support/mtput.ts';
import { standOldTarget } from '../support/old-target.ts';
import { type RunResult, run, runOk } from '../support/process.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { expectFailure, expectSuccess } from '../support/run-outcome.ts';

let lastPlace = 0;

/** Everything below `directory`, sorted; directories end in `/`. */
async function tree(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  return entries
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1) + (entry.isDirectory() ? '/' : ''))
    .sort();
}

/** `extent`: `sample` for the few that show that another server is no other. */
function destinationSuite(bed: Bed, extent: 'all' | 'sample' = 'all'): void {
  /** A directory of its own for each test, below the home of the server. */
  let place: string;
  const here = (...names: string[]) => join(bed.server.home, place, ...names);

  beforeAll(async () => {
    await writeRandomFile(bed.dir.file('f'), 100_000);
    await writeRandomFile(bed.dir.file('g'), 50_000);
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

  function put(sources: readonly string[], target: string, more: readonly string[] = []): Promise<RunResult> {
    const paths = sources.map((name) => bed.dir.file(name));
    return mtput(paths, { server: bed.server, path: `${place}/${target}` }, more);
  }

  async function expectCopy(source: string, ...names: string[]): Promise<void> {
    expect(await sha256Of(here(...names))).toBe(await sha256Of(bed.dir.file(source)));
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

  it.each(extent === 'sample' ? places.slice(0, 2) : places)(
    'f to %s, where there is %j: %s',
    async (target, before, after) => {
      for (const name of before) {
        if (name.endsWith('/')) await makeDirectory(name);
        else await writeFile(here(name), 'old');
      }
      expectSuccess(await put(['f'], target));
      await expectCopy('f', after);
      expect((await tree(here())).filter((name) => !name.endsWith('/'))).toEqual([after]);
    },
  );

  if (extent === 'sample') return;

  it.each(['', '.', '~/'])("f to 'h:%s': below the home", async (target) => {
    const name = `home-${place}`;
    await writeFile(bed.dir.file(name), place);
    expectSuccess(await mtput([bed.dir.file(name)], { server: bed.server, path: target }));
    expect(await readFile(join(bed.server.home, name), 'utf8')).toBe(place);
  });

  it('an absolute path', async () => {
    const path = here('absolute');
    expectSuccess(await mtput([bed.dir.file('f')], { server: bed.server, path }));
    await expectCopy('f', 'absolute');
  });

  it('several to a missing directory, which is made', async () => {
    expectSuccess(await put(['f', 'g'], 'deep/d'));
    expect(await tree(here())).toEqual(['deep/', 'deep/d/', 'deep/d/f', 'deep/d/g']);
    await expectCopy('f', 'deep/d/f');
    await expectCopy('g', 'deep/d/g');
  });

  it('several onto a file', async () => {
    const old = await standOldTarget(here('d'));
    expectFailure(await put(['f', 'g'], 'd'), 4, /\/d is not a directory\.$/, /Name another destination/);
    await old.expectUntouched();
    expect(await tree(here())).toEqual(['d']);
  });

  it('a symbolic link to a file is followed and stays', async () => {
    await makeDirectory('elsewhere');
    await writeFile(here('elsewhere/real'), 'old');
    await symlink('elsewhere/real', here('link'));
    expectSuccess(await put(['f'], 'link'));
    expect(await readlink(here('link'))).toBe('elsewhere/real');
    await expectCopy('f', 'elsewhere/real');
    expect(await tree(here())).toEqual(['elsewhere/', 'elsewhere/real', 'link']);
  });

  it('a symbolic link to a directory is followed', async () => {
    await makeDirectory('real');
    await symlink('real', here('link'));
    expectSuccess(await put(['f'], 'link'));
    expectSuccess(await put(['g'], 'link/'));
    expect(await tree(here())).toEqual(['link', 'real/', 'real/f', 'real/g']);
  });

  it.each(['link', 'd'])('a dangling symbolic link, named as %s', async (target) => {
    await makeDirectory('d');
    await symlink('nowhere', here('link'));
    await symlink('nowhere', here('d/f'));
    expectFailure(await put(['f'], target), 4, /is a symbolic link to something/, /Remove the symbolic link/);
    expect(await tree(here())).toEqual(['d/', 'd/f', 'link']);
  });

  it('something that is neither file nor directory', async () => {
    await runOk('mkfifo', [here('pipe')]);
    expectFailure(await put(['f'], 'pipe'), 4, /pipe is not a regular file\.$/, /Name another destination/);
    expect((await lstat(here('pipe'))).isFIFO()).toBe(true);
  });

  function putTo(address: string): Promise<RunResult> {
    const args = [...sshArguments(bed.server).slice(2), bed.dir.file('f'), address];
    return run(process.execPath, [mtputPath, ...args], { env: cleanEnvironment(bed.server.dir) });
  }

  it('sftp:// addresses: relative, absolute, escaped', async () => {
    const { user, host, port } = bed.server;
    const authority = `sftp://${user}@${host}:${port}`;
    for (const path of [`/${place}/relative`, `/${here('absolute')}`, `/${place}/a%20%25b`, `/${place}/`]) {
      expectSuccess(await putTo(`${authority}${path}`));
    }
    expect(await tree(here())).toEqual(['a %b', 'absolute', 'f', 'relative']);
  });

  it.each([
    ['shorter', 10],
    ['longer', 500_000],
  ])('a %s target is replaced by another file', async (_what, size) => {
    await writeRandomFile(here('x'), size);
    const { ino } = await stat(here('x'));
    expectSuccess(await put(['f'], 'x'));
    await expectCopy('f', 'x');
    expect((await stat(here('x'))).ino).not.toBe(ino);
    expect(await tree(here())).toEqual(['x']);
  });

  it.each([
    ['shorter', 10],
    ['longer', 500_000],
  ])('--inplace writes a %s target itself', async (_what, size) => {
    await writeRandomFile(here('x'), size);
    await chmod(here('x'), 0o666);
    // Not the owner, who alone may set times and modes.
    const { ino } = await stat(here('x'));
    expectSuccess(await put(['f'], 'x', ['--inplace', '--no-preserve']));
    await expectCopy('f', 'x');
    expect((await stat(here('x'))).ino).toBe(ino);
    expect(await tree(here())).toEqual(['x']);
  });

  it('--inplace makes a new file, and writes through a symbolic link', async () => {
    expectSuccess(await put(['g'], 'real', ['--inplace']));
    await expectCopy('g', 'real');
    await symlink('real', here('link'));
    const { ino } = await stat(here('real'));
    expectSuccess(await put(['f'], 'link', ['--inplace']));
    expect(await readlink(here('link'))).toBe('real');
    expect((await stat(here('real'))).ino).toBe(ino);
    await expectCopy('f', 'real');
  });

  it('an empty file, and one over a longer target', async () => {
    await writeFile(bed.dir.file('empty'), '');
    await utimes(bed.dir.file('empty'), 1_234_567_890, 1_234_567_890);
    await writeFile(here('old'), 'old');
    for (const target of ['new', 'old']) {
      expectSuccess(await put(['empty'], target));
      expect(await stat(here(target))).toMatchObject({ size: 0, mtimeMs: 1_234_567_890_000 });
    }
    await writeFile(here('inplace'), 'old');
    await chmod(here('inplace'), 0o666);
    expectSuccess(await put(['empty'], 'inplace', ['--inplace', '--no-preserve']));
    expect((await stat(here('inplace'))).size).toBe(0);
  });

  it('mode bits and times, without setuid, setgid and sticky', async () => {
    const modes = [0o600, 0o640, 0o444, 0o755, 0o4755, 0o2755, 0o1644, 0o7777];
    const names = modes.map((mode) => `mode-${mode.toString(8)}`);
    for (const [i, name] of names.entries()) {
      await writeFile(bed.dir.file(name), 'x');
      await chmod(bed.dir.file(name), modes[i] as number);
      await utimes(bed.dir.file(name), 1_111_111_111, 1_111_111_111.9);
    }
    expectSuccess(await put(names, ''));
    for (const [i, name] of names.entries()) {
      const { mode, mtimeMs } = await stat(here(name));
      expect([name, mode & 0o7777, mtimeMs]).toEqual([name, (modes[i] as number) & 0o777, 1_111_111_111_000]);
    }
  });

  it('--no-preserve leaves mode and time to the server', async () => {
    await writeFile(bed.dir.file('moded'), 'x');
    await chmod(bed.dir.file('moded'), 0o755);
    await utimes(bed.dir.file('moded'), 1_000_000_000, 1_000_000_000);
    const begin = Date.now();
    expectSuccess(await put(['moded'], 'moded', ['--no-preserve']));
    const there = await stat(here('moded'));
    expect(there.mode & 0o111).toBe(0);
    expect(there.mtimeMs).toBeGreaterThan(begin - 2000);
  });

  it('--dry-run lists and writes nothing', async () => {
    await makeDirectory('d');
    const old = await standOldTarget(here('d/f'));
    const { code, stdout, stderr } = await put(['f', 'g'], 'd', ['--dry-run']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/\/f -> .*\/d\/f \(.* KiB, replaces what is there\)$/),
      expect.stringMatching(/\/g -> .*\/d\/g \(.* KiB\)$/),
    ]);
    expectSuccess(await put(['f'], 'missing/d/', ['--dry-run']));
    expect(await tree(here())).toEqual(['d/', 'd/f']);
    await old.expectUntouched();
  });

  it('--dry-run tells what would fail', async () => {
    await makeDirectory('way/f');
    expectFailure(await put(['f'], 'way', ['--dry-run']), 4, /way\/f is a directory\.$/, /Remove the directory/);
  });
}

describeOnEach(
  'destinations',
  (bed) => destinationSuite(bed),
  (bed) => destinationSuite(bed, 'sample'),
);
