/** What can go wrong has its own exit code and advice, and leaves what stood at the destination alone. */
import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Bed, describeOn, describeOnEach } from '../support/each-server.ts';
import { cleanEnvironment, mtput, mtputPath, type UploadTo } from '../support/mtput.ts';
import { standOldTarget } from '../support/old-target.ts';
import { freePort } from '../support/ports.ts';
import { type RunResult, run, runOk } from '../support/process.ts';
import { startProftpd } from '../support/proftpd.ts';
import { writeRandomFile } from '../support/random-file.ts';
import { expectFailure, expectSuccess } from '../support/run-outcome.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { makeKey } from '../support/ssh-keys.ts';
import { startSshd } from '../support/sshd.ts';
import { byTier, inLongerTiers } from '../support/tier.ts';

const NEW_SIZE = 3_000_000;

/** A source, and a run that puts it somewhere. */
function useSource(bed: Bed): (path: string, more?: readonly string[]) => Promise<RunResult> {
  beforeAll(() => writeRandomFile(bed.dir.file('new.bin'), NEW_SIZE));
  return (path, more = []) => mtput([bed.dir.file('new.bin')], { server: bed.server, path }, more);
}

/** A directory on the server with an old target, `old.bin`; `mode`: of the directory. */
async function directoryWithOld(bed: Bed, name: string, mode?: number) {
  const directory = join(bed.server.home, name);
  await mkdir(directory);
  if (mode !== undefined) await chmod(directory, mode);
  return { directory, old: await standOldTarget(join(directory, 'old.bin')) };
}

/** Whatever an upload may leave is called a partial. */
async function namesBesidePartials(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => !name.endsWith('.mtpart')).sort();
}

describeOnEach('exit codes', (bed) => {
  const put = useSource(bed);

  it('7: the key opens no door', async () => {
    const old = await standOldTarget(join(bed.server.home, 'locked.bin'));
    await makeKey(bed.dir.file('stranger'), 'ed25519');
    const server = { ...bed.server, identityFile: bed.dir.file('stranger') };
    // Several sources: what ends the run gives the code of the run.
    for (const sources of [['new.bin'], ['new.bin', 'new.bin']]) {
      const to: UploadTo = { server, path: 'locked.bin' };
      expectFailure(
        await mtput(
          sources.map((name) => bed.dir.file(name)),
          to,
        ),
        7,
        /key|authenticat|log/i,
        /^Check user name, key \(-i\) and password\.$/,
      );
    }
    await old.expectUntouched();
  });

  // The quick tier has both in destinations.test.ts.
  inLongerTiers(() => {
    it('4: a directory is in the way', async () => {
      await mkdir(join(bed.server.home, 'way/new.bin'), { recursive: true });
      expectFailure(await put('way'), 4, /way\/new\.bin is a directory\.$/, /Remove the directory, or name another/);
      expect(await readdir(join(bed.server.home, 'way'))).toEqual(['new.bin']);
      expect(await readdir(join(bed.server.home, 'way/new.bin'))).toEqual([]);
    });

    it('4: a file stands where a directory is needed', async () => {
      const old = await standOldTarget(join(bed.server.home, 'file.bin'));
      expectFailure(await put('file.bin/'), 4, /file\.bin\/? is not a directory\.$/, /Name another destination/);
      expectFailure(await put('file.bin/below/x'), 4, /file\.bin/, /./);
      await old.expectUntouched();
    });
  });

  it('4: no space, with the old file as it was', async (context) => {
    const directory = join(bed.server.home, 'small');
    const disk = await mountSmallDisk(directory, 1024 * 1024);
    if (typeof disk === 'string') return context.skip(`no file system may be mounted here: ${disk}`);
    try {
      const old = await standOldTarget(join(directory, 'old.bin'));
      for (const target of byTier(['small/old.bin'], ['small/old.bin', 'small/fresh.bin'])) {
        // By one connection: exit-codes-space.test.ts.
        for (const connections of byTier(['3'], ['1', '3'])) {
          const failed = await put(target, ['-n', connections, '-s', '1M']);
          expectFailure(failed, 4, /space/i, /Make room on the server/);
        }
      }
      await old.expectUntouched();
      expect(await namesBesidePartials(directory)).toEqual(['old.bin']);
    } finally {
      disk.unmount();
    }
  });
});

describeOn(
  'sshd',
  'exit codes of a server that lets us do little',
  (bed) => {
    const put = useSource(bed);

    it('4: no permission for the directory', async () => {
      const { directory, old } = await directoryWithOld(bed, 'roots');
      expectFailure(await put('roots/old.bin'), 4, /refused to open .*: Permission denied\.$/, /Check the permissions/);
      // What stands in a directory that refuses makes no difference.
      for (const fresh of byTier([], ['roots/fresh.bin'])) {
        expectFailure(await put(fresh), 4, /Permission denied\.$/, /Check the permissions/);
      }
      expectFailure(
        await put('roots/sub/fresh.bin'),
        4,
        /refused to make directory .*roots\/sub/,
        /Check the permissions/,
      );
      expectFailure(await put('roots/old.bin', ['--inplace']), 4, /Permission denied\.$/, /Check the permissions/);
      await old.expectUntouched();
      expect(await readdir(directory)).toEqual(['old.bin']);
    });

    it('4: renaming is refused, by the sticky bit', async () => {
      const { directory, old } = await directoryWithOld(bed, 'sticky', 0o1777);
      // The old file may not be written either, so --inplace would be of no use.
      expectFailure(await put('sticky/old.bin'), 4, /refused to rename /, /Check the permissions of .*old\.bin/);
      await old.expectUntouched();
      expect(await namesBesidePartials(directory)).toEqual(['old.bin']);
    });

    it('0: --inplace is what to do then, where the file itself may be written', async () => {
      const { directory } = await directoryWithOld(bed, 'sticky-writable', 0o1777);
      await chmod(join(directory, 'old.bin'), 0o666);
      expectFailure(await put('sticky-writable/old.bin'), 4, /refused to rename /, /Use --inplace/);
      expectSuccess(await put('sticky-writable/old.bin', ['--inplace']));
      await runOk('cmp', [bed.dir.file('new.bin'), join(directory, 'old.bin')]);
    });
  },
  () => startSshd({ user: 'nobody' }),
  ['root'],
);

const onProftpd = () =>
  describeOn(
    'proftpd',
    'exit codes of a server that lets us do little',
    (bed) => {
      const put = useSource(bed);

      it('4: no permission for the directory', async () => {
        const { directory, old } = await directoryWithOld(bed, 'roots');
        expectFailure(
          await put('roots/old.bin'),
          4,
          /refused to open .*: Permission denied\.$/,
          /Check the permissions/,
        );
        expectFailure(await put('roots/fresh.bin'), 4, /Permission denied\.$/, /Check the permissions/);
        await old.expectUntouched();
        expect(await readdir(directory)).toEqual(['old.bin']);
      });

      it('4: renaming is refused', async () => {
        const { directory, old } = await directoryWithOld(bed, 'fixed', 0o777);
        expectFailure(await put('fixed/old.bin'), 4, /refused to rename /, /Check the permissions of .*old\.bin/);
        expectFailure(await put('fixed/fresh.bin'), 4, /refused to rename /, /Use --inplace/);
        expect(await namesBesidePartials(directory)).toEqual(['old.bin']);
        await old.expectUntouched();
        expectSuccess(await put('fixed/fresh.bin', ['--inplace']));
      });
    },
    () => startProftpd({ directives: ['<Limit RNFR RNTO>\n  DenyAll\n</Limit>'] }),
  );
// In the quick tier that it refuses renaming is in rename-restrictions.test.ts.
inLongerTiers(onProftpd);

describeOn(
  'sshd',
  'exit codes of a server without SFTP',
  (bed) => {
    const put = useSource(bed);

    it('8: there is no sftp subsystem', async () => {
      expectFailure(await put('x.bin'), 8, /sftp/i, /^Ask for the sftp subsystem to be enabled/);
      expect(await readdir(bed.server.home)).toEqual([]);
    });
  },
  () => startSshd({ config: ['Subsystem other /bin/false'] }),
);

describeOn('sshd', 'exit codes of sources', (bed) => {
  const put = (sources: readonly string[], path = '') =>
    mtput(
      sources.map((name) => bed.dir.file(name)),
      { server: bed.server, path },
    );

  it.each([
    ['nothing', /nothing does not exist\.$/, /Check the path of the source/],
    ['plain/below', /does not exist\.$/, /Check the path of the source/],
    ['fifo', /fifo is not a regular file\.$/, /Only regular files/],
    ['loop', /loop cannot be read: /, /Check the permissions of the source|Check/],
    ...byTier<[string, RegExp, RegExp][]>(
      [],
      [
        ['nowhere/nothing', /does not exist\.$/, /Check the path of the source/],
        ['n'.repeat(256), /cannot be read: /, /Check the path/],
      ],
    ),
  ] as [string, RegExp, RegExp][])('3: %s', async (name, happened, advice) => {
    await writeFile(bed.dir.file('plain'), '');
    await runOk('rm', ['-f', bed.dir.file('fifo'), bed.dir.file('loop')]);
    await runOk('mkfifo', [bed.dir.file('fifo')]);
    await symlink('loop', bed.dir.file('loop'));
    const old = await standOldTarget(join(bed.server.home, 'target'));
    expectFailure(await put([name], 'target'), 3, happened, advice);
    await old.expectUntouched();
    expect(await readdir(bed.server.home)).toEqual(['target']);
  });

  it('4: a directory to where a file is', async () => {
    await mkdir(bed.dir.file('tree'));
    const old = await standOldTarget(join(bed.server.home, 'target'));
    const failed = await put(['tree'], 'target');
    expect(failed.code, failed.stderr).toBe(4);
    expect(failed.stderr).toMatch(/target is not a directory\.\nName another destination/);
    await old.expectUntouched();
  });
});

describe('exit codes without a server', () => {
  it('5: nobody listens, told at once', async () => {
    const port = await freePort();
    const begin = performance.now();
    const args = ['-P', `${port}`, '-B', '-n', '4', process.execPath, 'mt@127.0.0.1:x'];
    const failed = await run(process.execPath, [mtputPath, ...args], { env: cleanEnvironment('/nonexistent') });
    expectFailure(
      failed,
      5,
      /Cannot connect to .*127\.0\.0\.1.*: nothing listens there\.$/,
      /Check host, port and network/,
    );
    expect(performance.now() - begin).toBeLessThan(5000);
  });

  it('5: there is no such host', async () => {
    const args = ['-B', process.execPath, 'mt@no-such-host.invalid:x'];
    const failed = await run(process.execPath, [mtputPath, ...args], { env: cleanEnvironment('/nonexistent') });
    expectFailure(failed, 5, /Cannot connect to no-such-host\.invalid/, /Check host, port and network/);
  });
});
