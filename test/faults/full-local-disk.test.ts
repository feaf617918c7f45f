/** Another file takes the room that a download needs, after the download has begun. */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { describeOnEach } from '../support/each-server.ts';
import { eventsOf, mtget, mtgetJson, startMtget } from '../support/mtput.ts';
import { partialOf } from '../support/partials.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { expectFailure } from '../support/run-outcome.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { byTier } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

const MIB = 1024 * 1024;
const BLOCK = 4096;
const DISK = 16 * MIB;
const SIZE = 9 * MIB + 12_345;

const CASES: readonly (readonly [string, readonly string[]])[] = [
  ['without digests', ['--digest-provider', 'none']],
  ['with digests', []],
];

describeOnEach('a local disk that becomes full during a download', (bed) => {
  it.for(byTier(CASES.slice(0, 1), CASES))(
    '4, and with room the same command finishes, %s',
    async ([what, more], context) => {
      const { server } = bed;
      const directory = bed.dir.file(what);
      const disk = await mountSmallDisk(directory, DISK);
      if (typeof disk === 'string') return context.skip(`no file system may be mounted here: ${disk}`);
      onTestFinished(disk.unmount);
      await writeRandomFile(join(server.home, 'source.bin'), SIZE);
      const [from, target] = [{ server, paths: ['source.bin'] }, join(directory, 'target.bin')];
      const args = ['-n', '3', '-s', '256K', ...more];

      const started = await startMtget(from, target, [...args, '--limit', `${Math.floor(SIZE / 4)}B`]);
      onTestFinished(async () => void (await started.stop('SIGKILL')));
      let stderr = '';
      started.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      const closed = new Promise<void>((resolve) => started.child.once('close', () => resolve()));
      await waitFor(() => DISK - disk.free() > SIZE / 2, { what: 'half of the file on the disk' });
      await disk.leave(5 * BLOCK);
      const exit = await started.exited;
      await closed;
      const occupied = /; the partial file .*\.target\.bin\.[0-9a-f]+\.mtpart occupies \d.* [KM]iB\.$/m;
      const says = new RegExp(`space.*${occupied.source}`, 'm');
      expectFailure({ ...exit, stdout: '', stderr }, 4, says, /Make room on the local disk/);
      expect(stderr).toMatch(/ are safe in the partial file; the same command continues from there\.$/m);
      const partial = await partialOf(directory, 'target.bin');
      expect((await readdir(directory)).sort()).toEqual([basename(partial), 'filler']);

      expectFailure(
        await mtget(from, target, args),
        4,
        new RegExp(`needs .* and .* are free${occupied.source}`, 'm'),
        /Make room on the local disk/,
      );
      expect(await partialOf(directory, 'target.bin')).toBe(partial);

      await disk.makeRoom();
      const run = await mtgetJson(from, target, args);
      expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
      expect(await readdir(directory)).toEqual(['target.bin']);
      expect(await sha256Of(target)).toBe(await sha256Of(join(server.home, 'source.bin')));
      const { bytesSent, bytesResumed } = eventsOf(run, 'result')[0]!;
      expect(bytesSent + bytesResumed).toBe(SIZE);
      expect(bytesResumed).toBeGreaterThan(SIZE / 4);
    },
  );
});
