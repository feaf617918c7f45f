/** A disk of the server that is only a little too small: the place where proftpd says OK to what it could not keep. */
import { chmod, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Bed, describeOnEach } from '../support/each-server.ts';
import { mtput } from '../support/mtput.ts';
import { standOldTarget } from '../support/old-target.ts';
import { partialsOf } from '../support/partials.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { expectFailure, expectSuccess } from '../support/run-outcome.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { byTier, inLongerTiers } from '../support/tier.ts';

const DISK = 4 * 1024 * 1024;
const BLOCK = 4096;
/** Blocks that are missing, and connections. */
type Case = readonly [lacking: number, connections: number];
const QUICK_CASES: readonly Case[] = [
  [1, 3],
  [5, 1],
];
const ALL_CASES = [1, 2, 5].flatMap((lacking) => [1, 3, 4].map((connections): Case => [lacking, connections]));

function spaceSuite(bed: Bed, cases: readonly Case[]): void {
  const put = (path: string, more: readonly string[]) =>
    mtput([bed.dir.file('new.bin')], { server: bed.server, path }, ['-s', '1M', ...more]);

  it('4, however little is missing, by however many it is written', async (context) => {
    const directory = join(bed.server.home, 'small');
    const disk = await mountSmallDisk(directory, DISK);
    if (typeof disk === 'string') return context.skip(`no file system may be mounted here: ${disk}`);
    try {
      const old = await standOldTarget(join(directory, 'old.bin'));
      for (const [lacking, connections] of cases) {
        // One block is the old file's.
        await writeRandomFile(bed.dir.file('new.bin'), DISK - BLOCK + lacking * BLOCK - 100);
        const run = await put('small/old.bin', ['-n', `${connections}`]);
        expectFailure(run, 4, /space/, /Make room on the server/);
        // proftpd says OK to what it had no room for.
        if (bed.kind === 'proftpd') expect(run.stderr).not.toContain('safe on the server');
        await old.expectUntouched();
        expect((await readdir(directory)).filter((name) => !name.endsWith('.mtpart'))).toEqual(['old.bin']);
      }
    } finally {
      disk.unmount();
    }
  });

  const inPlace = () =>
    it('0 with --inplace, where the old file has all the room that is needed', async (context) => {
      const directory = join(bed.server.home, 'full');
      const disk = await mountSmallDisk(directory, DISK);
      if (typeof disk === 'string') return context.skip(`no file system may be mounted here: ${disk}`);
      try {
        const target = join(directory, 'target.bin');
        await writeRandomFile(target, DISK);
        await chmod(target, 0o666);
        await writeRandomFile(bed.dir.file('new.bin'), DISK);
        expectFailure(await put('full/target.bin', ['-n', '3', '--force']), 4, /space/, /--inplace/);
        for (const partial of await partialsOf(directory, 'target.bin')) await rm(partial);
        expectSuccess(await put('full/target.bin', ['-n', '3', '--force', '--inplace', '--no-preserve']));
        expect(await sha256Of(target)).toBe(await sha256Of(bed.dir.file('new.bin')));
      } finally {
        disk.unmount();
      }
    });
  // On sshd a full disk with --inplace is in true-messages.test.ts.
  if (bed.kind === 'proftpd') inPlace();
  else inLongerTiers(inPlace);
}

// proftpd says OK to what it had no room for: it is the one to see in the quick tier.
describeOnEach(
  'almost enough space',
  (bed) => spaceSuite(bed, byTier(QUICK_CASES.slice(1), ALL_CASES)),
  (bed) => spaceSuite(bed, byTier(QUICK_CASES, ALL_CASES)),
);
