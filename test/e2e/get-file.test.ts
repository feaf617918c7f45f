import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeOnEach } from '../support/each-server.ts';
import { giveTo } from '../support/give-to.ts';
import { eventsOf, mtget, mtgetJson } from '../support/mtput.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { byTier } from '../support/tier.ts';

/** Those that one run gets: in the quick tier the last one alone, so that one file is tested and many are. */
function togetherAndAlone<T>(all: readonly T[]): (readonly T[])[] {
  return byTier([all.slice(0, -1), all.slice(-1)], [all, ...all.map((one) => [one])]);
}

describeOnEach('mtget of files', (bed) => {
  const source = async (name: string, length: number): Promise<string> => {
    const path = join(bed.server.home, name);
    await writeRandomFile(path, length);
    return path;
  };
  const targets = async (name: string): Promise<string> => {
    const path = bed.dir.file(name);
    await mkdir(path, { recursive: true });
    return path;
  };

  const sizes = [0, 1, 65_535, 65_536, 4_194_304, 4_194_305, 10_000_001];
  it.each(togetherAndAlone(sizes).map((all) => ({ all })))('what has $all bytes arrives whole', async ({ all }) => {
    const names = all.map((size) => `sized-${size}`);
    const from = await Promise.all(names.map((name, index) => source(name, all[index]!)));
    const into = await targets(`sized-${names.length}-${names[0]}`);
    const { code, stderr } = await mtget({ server: bed.server, paths: names }, `${into}/`, ['-n', '3']);
    const told = names.length === 1 ? names[0]! : `${names.length} files`;
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining(told) });
    for (const [index, name] of names.entries()) {
      expect(await sha256Of(`${into}/${name}`)).toBe(await sha256Of(from[index]!));
    }
    expect((await readdir(into)).sort()).toEqual([...names].sort());
  });

  it('comes over as many connections as it is told, verified by digest, with mode and time', async () => {
    const from = await source('many.bin', 40_000_000);
    await giveTo(bed.server, from);
    await chmod(from, 0o640);
    await utimes(from, 1_000_000_000, 1_000_000_000);
    const into = await targets('many');
    const run = await mtgetJson({ server: bed.server, paths: ['many.bin'] }, `${into}/x`, ['-n', '4']);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const [result] = eventsOf(run, 'result');
    expect(result).toMatchObject({ filesDone: 1, bytesSent: 40_000_000, connectionsUsed: 4 });
    expect(result!.verified.byDigest).toBe(40_000_000);
    expect(eventsOf(run, 'plan')[0]).toMatchObject({ direction: 'download', bytes: 40_000_000, connections: 4 });
    expect(await sha256Of(`${into}/x`)).toBe(await sha256Of(from));
    const { mode, mtimeMs } = await stat(`${into}/x`);
    expect({ mode: mode & 0o7777, mtimeMs }).toEqual({ mode: 0o640, mtimeMs: 1_000_000_000_000 });
  });

  it('replaces what a link names, and leaves the link', async () => {
    await source('linked.bin', 100_000);
    const into = await targets('links');
    await writeFile(`${into}/real`, 'old');
    await symlink('real', `${into}/link`);
    expect((await mtget({ server: bed.server, paths: ['linked.bin'] }, `${into}/link`)).code).toBe(0);
    expect(await readlink(`${into}/link`)).toBe('real');
    expect((await lstat(`${into}/real`)).size).toBe(100_000);
  });

  it('several files become what they are called, in a directory that is made', async () => {
    await source('one', 1000);
    await source('two', 2000);
    const into = join(await targets('several'), 'new/deep');
    const { code } = await mtget({ server: bed.server, paths: ['one', 'missing', 'two'] }, into);
    expect(code).toBe(1);
    expect((await readdir(into)).sort()).toEqual(['one', 'two']);
  });

  it.each([
    ['a source that is missing: 3', ['nothing-there'], 'x', 3],
    ['a directory as source: 3', ['.'], 'x', 3],
    ['a directory that is missing is made', ['plain'], 'made/', 0],
    ['a dangling link: 4', ['plain'], 'dangling', 4],
    ['a file where a directory is wanted: 4', ['plain'], 'file/', 4],
  ])('%s', async (_, paths, target, code) => {
    await source('plain', 1000);
    const into = await targets('table');
    await writeFile(`${into}/file`, 'old');
    await symlink('nowhere', `${into}/dangling`).catch(() => {});
    const run = await mtget({ server: bed.server, paths }, `${into}/${target}`);
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code, stderr: expect.any(String) });
    expect(await readFile(`${into}/file`, 'utf8')).toBe('old');
  });

  it('--inplace writes the target itself, and cuts off what is too long', async () => {
    const from = await source('in-place.bin', 5_000_000);
    const into = await targets('in-place');
    await writeRandomFile(`${into}/x`, 6_000_000);
    const { ino } = await stat(`${into}/x`);
    expect((await mtget({ server: bed.server, paths: ['in-place.bin'] }, `${into}/x`, ['--inplace'])).code).toBe(0);
    expect((await stat(`${into}/x`)).ino).toBe(ino);
    expect(await sha256Of(`${into}/x`)).toBe(await sha256Of(from));
  });

  it('--dry-run lists and writes nothing', async () => {
    await source('dry', 1000);
    const into = await targets('dry');
    const { code, stdout } = await mtget({ server: bed.server, paths: ['dry'] }, `${into}/x`, ['--dry-run']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(`-> ${into}/x`) });
    expect(await readdir(into)).toEqual([]);
  });

  it('--verify read-back is a usage error that says why', async () => {
    const { code, stderr } = await mtget({ server: bed.server, paths: ['x'] }, 'y', ['--verify', 'read-back']);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('read back') });
  });

  it('what is beyond the size that was planned is not committed: a source that is a file of /proc', async () => {
    const into = await targets('proc');
    const { code, stderr } = await mtget({ server: bed.server, paths: ['/proc/cpuinfo'] }, `${into}/x`);
    expect({ code, stderr }).toEqual({ code: 10, stderr: expect.stringContaining('/proc/cpuinfo') });
    expect(await readdir(into)).toEqual([]);
  });

  const odd = ['größe-文', `a 'b' "c" $(id)`, 'one\ntwo', 'x'.repeat(255), '-dash'];
  it.each(togetherAndAlone(odd).map((names) => ({ names })))('what is called $names arrives', async ({ names }) => {
    const from = await Promise.all(names.map((name) => source(name, 70_000)));
    const into = await targets(`names-${names.length}-${odd.indexOf(names[0]!)}`);
    const { code, stderr } = await mtget({ server: bed.server, paths: names }, `${into}/`);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect((await readdir(into)).sort()).toEqual([...names].sort());
    for (const [index, name] of names.entries()) {
      expect(await sha256Of(`${into}/${name}`)).toBe(await sha256Of(from[index]!));
    }
  });

  it('a sparse source arrives', async () => {
    const from = join(bed.server.home, 'sparse');
    await writeFile(from, 'x');
    await truncate(from, 30_000_000);
    const into = await targets('sparse');
    expect((await mtget({ server: bed.server, paths: ['sparse'] }, `${into}/`)).code).toBe(0);
    expect(await sha256Of(`${into}/sparse`)).toBe(await sha256Of(from));
  });
});
