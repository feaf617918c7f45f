/** What a refusal means, and what helps: told by what is so on the server, not by the kind of the failure alone. */
import { spawnSync } from 'node:child_process';
import { chmod, chown, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { type Bed, describeOnEach } from '../support/each-server.ts';
import { proftpdForTest, sourceForTest, sshdForTest, tempDirForTest } from '../support/for-one-test.ts';
import { startLiveRun } from '../support/live-run.ts';
import { eventsOf, mtput } from '../support/mtput.ts';
import { standOldTarget } from '../support/old-target.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { expectFailure, expectSuccess } from '../support/run-outcome.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { byTier } from '../support/tier.ts';

const MIB = 1024 * 1024;

/** Over a file, into a directory, and into one that would have to be made, with and without a partial file. */
const ON_READ_ONLY: readonly (readonly [string, readonly string[]])[] = [
  ['x.bin', ['--inplace']],
  ['fresh.bin', []],
  ['sub/fresh.bin', []],
  ...byTier(
    [],
    [['x.bin', []] as const, ['fresh.bin', ['--inplace']] as const, ['sub/fresh.bin', ['--inplace']] as const],
  ),
];

/** A small file system in the home directory of the server; skips the test where none may be mounted. */
async function smallDisk(
  { server }: Pick<Bed, 'server'>,
  skip: (reason: string) => void,
  name: string,
  bytes: number,
  more: readonly string[] = [],
): Promise<string> {
  const directory = join(server.home, name);
  const disk = await mountSmallDisk(directory, bytes, more);
  if (typeof disk === 'string') {
    skip(`no file system may be mounted here: ${disk}`);
    throw new Error('not reached');
  }
  onTestFinished(disk.unmount);
  return directory;
}

async function partialsIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.endsWith('.mtpart'));
}

describeOnEach('a disk that holds the old file or the new one', (bed) => {
  const put = (path: string, source: string, more: readonly string[] = []) =>
    mtput([source], { server: bed.server, path }, ['-n', '3', '-s', '1M', ...more]);

  it('names the partial and what it occupies, and --inplace finishes in the room of both', async (context) => {
    const directory = await smallDisk(bed, context.skip, 'both', 20 * MIB);
    const target = join(directory, 'x.bin');
    await writeRandomFile(target, 12 * MIB);
    await chmod(target, 0o666);
    const source = await sourceForTest(18 * MIB);
    const failed = await put('both/x.bin', source.path);
    const [partial] = await partialsIn(directory);
    expectFailure(
      failed,
      4,
      /\.x\.bin.*mtpart.* occupies about (7|8)\.\d MiB/,
      /^Make room on the server for .* MiB more.*, or use --inplace, which removes the partial file/,
    );
    expect(failed.stderr).toContain(`${partial} occupies about`);
    const again = await put('both/x.bin', source.path, ['--inplace', '--no-preserve']);
    expectSuccess(again);
    expect(again.stderr).toContain(partial);
    expect(await readdir(directory)).toEqual(['x.bin']);
    expect(await sha256Of(target)).toBe(source.sha256);
  });

  it('neither advises --inplace nor lets it touch the old file where that cannot do', async (context) => {
    const directory = await smallDisk(bed, context.skip, 'neither', 20 * MIB);
    await writeRandomFile(join(directory, 'filler'), 4 * MIB);
    const target = join(directory, 'x.bin');
    const old = await standOldTarget(target, 'o'.repeat(12 * MIB));
    await chmod(target, 0o666);
    const source = await sourceForTest(18 * MIB);
    const failed = await put('neither/x.bin', source.path);
    expectFailure(failed, 4, /mtpart occupies about (3|4)\.\d MiB/, /^Make room on the server for 1\d MiB more/);
    expect(failed.stderr).not.toContain('--inplace');
    const inPlace = await put('neither/x.bin', source.path, ['--inplace', '--no-preserve']);
    expectFailure(
      inPlace,
      4,
      /needs 6\.0 MiB more than the old .*x\.bin, and .* are available/,
      /the old file was not touched\.$/,
    );
    await chmod(target, 0o644);
    await old.expectUntouched();
  });

  it('says that no inode is left', async (context) => {
    const directory = await smallDisk(bed, context.skip, 'inodes', 20 * MIB, ['nr_inodes=3']);
    await standOldTarget(join(directory, 'a'));
    await standOldTarget(join(directory, 'b'));
    const source = await sourceForTest(100_000);
    const fresh = await put('inodes/x.bin', source.path);
    expectFailure(fresh, 4, /no inode left/, /Remove files there/);
    expect(fresh.stderr).not.toMatch(/Failure|--inplace/);
    await chmod(join(directory, 'a'), 0o666);
    expectFailure(await put('inodes/a', source.path), 4, /no inode left/, /use --inplace to write over the old file/);
    expectSuccess(await put('inodes/a', source.path, ['--inplace', '--no-preserve']));
  });

  it('says that a file system is read-only', async (context) => {
    const directory = await smallDisk(bed, context.skip, 'readonly', MIB);
    const old = await standOldTarget(join(directory, 'x.bin'));
    await chmod(join(directory, 'x.bin'), 0o666);
    expect(spawnSync('mount', ['-o', 'remount,ro', directory]).status).toBe(0);
    const source = await sourceForTest(100_000);
    for (const [target, more] of ON_READ_ONLY) {
      const failed = await put(`readonly/${target}`, source.path, more);
      expectFailure(failed, 4, /its file system is read-only/, /^Name a destination on another file system/);
      expect(failed.stderr).not.toMatch(/Failure|use --inplace/i);
    }
    expect(await readdir(directory)).toEqual(['x.bin']);
    spawnSync('mount', ['-o', 'remount,rw', directory]);
    await chmod(join(directory, 'x.bin'), 0o644);
    await old.expectUntouched();
  });
});

describeWithServers(['proftpd'], 'names that proftpd refuses', () => {
  it.each([
    ['the name of the target', 'PathDenyFilter "\\.bin$"', 'x.bin', false],
    ['the name of the partial', 'PathDenyFilter "\\.mtpart$"', 'x.bin', true],
  ])('%s', async (_what, directive, name, helps) => {
    const server = await proftpdForTest(directive);
    const source = await sourceForTest(100_000);
    const to = { server, path: name };
    const fresh = await mtput([source.path], to);
    expectFailure(fresh, 4, /this name is refused/, /^Choose another name/);
    expect(fresh.stderr).not.toContain('--inplace');
    await standOldTarget(join(server.home, name));
    await chown(join(server.home, name), 20_001, 20_001);
    const replacing = await mtput([source.path], to);
    if (helps) {
      expectFailure(replacing, 4, /this name is refused/, /^Use --inplace, as the old file itself may be written/);
      expectSuccess(await mtput([source.path], to, ['--inplace']));
    } else {
      expectFailure(replacing, 4, /refused/, /./);
      expect(replacing.stderr).not.toContain('--inplace');
      expect((await mtput([source.path], to, ['--inplace'])).code).toBe(4);
      expect((await readdir(server.home)).filter((entry) => !entry.endsWith('.mtpart'))).toEqual([name]);
    }
    // Nothing of the trials is left.
    expect((await readdir(server.home)).filter((entry) => entry.startsWith('mttrial'))).toEqual([]);
  });
});

describeWithServers(['sshd'], 'a limit of the size of a file', () => {
  it('says so, and does not advise --inplace', async () => {
    const dir = await tempDirForTest();
    const script = dir.file('limited');
    // Without the trap the signal would end the server.
    const lines = ['#!/bin/sh', "trap '' XFSZ", 'ulimit -f 2048', 'exec /usr/lib/openssh/sftp-server -d "$1"', ''];
    await writeFile(script, lines.join('\n'), { mode: 0o755 });
    const home = dir.file('home');
    await mkdir(home);
    const server = await sshdForTest({ subsystem: `${script} ${home}` });
    const source = await sourceForTest(4 * MIB);
    await standOldTarget(join(home, 'x.bin'));
    // Where something is to be replaced --inplace might be advised in error.
    for (const target of ['x.bin', ...byTier([], ['fresh.bin'])]) {
      const failed = await mtput([source.path], { server, path: target }, ['-n', '2', '-s', '256K']);
      expectFailure(failed, 4, /the size of one file may be limited/, /^Ask how large a file may be there/);
      expect(failed.stderr).not.toMatch(/Failure|--inplace/);
    }
  });
});

describeWithServers(['sshd'], 'what is said to be kept', () => {
  const SIZE = 24 * MIB;
  const ARGS = ['-n', '2', '-s', '256K', '--limit', '8M'];

  it('is not, where the partial is gone when the run ends', async () => {
    const server = await sshdForTest();
    const source = await sourceForTest(SIZE);
    const live = await startLiveRun([source.path], { server, path: 'x.bin' }, ARGS);
    await live.event('progress', ({ bytesDone }) => bytesDone > SIZE / 3);
    const [partial] = await partialsIn(server.home);
    await rm(join(server.home, partial!));
    live.kill('SIGINT');
    const run = await live.end();
    expect(run.code).toBe(130);
    expect(eventsOf(run, 'result')[0]!.bytesKept).toBe(0);
    expect(run.stderr).not.toContain('safe on the server');
  });
});
