/** What happens to the target of a download, or to its partial file, while the download is in progress. */
import { appendFile, mkdir, readdir, readFile, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { describeOn } from '../support/each-server.ts';
import { tempDirForTest } from '../support/for-one-test.ts';
import { type LiveRun, startLiveDownload } from '../support/live-run.ts';
import { eventsOf, type JsonRun, mtget, mtgetJson } from '../support/mtput.ts';
import { partialOf, partialsOf } from '../support/partials.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { startSshd } from '../support/sshd.ts';
import { byTier } from '../support/tier.ts';

const MB = 1_000_000;
const SIZE = byTier(16, 24) * MB;
const CONNECTIONS = byTier(2, 3);
const PIECES = ['-n', String(CONNECTIONS), '-s', '256K'];
/** Slow enough that something can happen in the middle. */
const SLOWLY = [...PIECES, '--limit', `${SIZE / 4}B`];
/** What these connections have in flight, and SSH adds. */
const IN_FLIGHT = 2 * MB * CONNECTIONS;

describeOn('sshd', 'mtget, of whose target or partial file', (bed) => {
  async function begun(name: string, more: readonly string[] = []): Promise<{ target: string; run: LiveRun }> {
    await writeRandomFile(join(bed.server.home, name), SIZE);
    const target = bed.dir.file(name);
    const run = await startLiveDownload({ server: bed.server, paths: [name] }, target, [...SLOWLY, ...more]);
    await run.event('progress', ({ bytesDone }) => bytesDone > SIZE / 3);
    return { target, run };
  }

  /** The same command arrives, and has to fetch at most `bytes`. */
  async function expectContinued(name: string, target: string, bytes: number): Promise<JsonRun> {
    const run = await mtgetJson({ server: bed.server, paths: [name] }, target, PIECES);
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
    expect(await sha256Of(target)).toBe(await sha256Of(join(bed.server.home, name)));
    expect(eventsOf(run, 'result')[0]!.bytesSent).toBeLessThanOrEqual(bytes);
    expect(await partialsOf(bed.dir.path, name)).toEqual([]);
    return run;
  }

  const CHANGES = [
    ['changed', 'what was there before', async (target: string) => appendFile(target, ' and more')],
    ['created', undefined, async (target: string) => writeFile(target, 'of another program')],
  ] as const;
  it.each(CHANGES.slice(0, byTier(1, 2)))(
    'the target is %s by another program: 12, it stays, and the same command replaces it',
    async (...row) => {
      const [what, old, change] = row;
      const name = `target-${what}`;
      if (old !== undefined) await writeFile(bed.dir.file(name), old);
      const { target, run } = await begun(name);
      await change(target);
      const theirs = await readFile(target, 'utf8');
      const { code, events } = await run.end();
      const message: unknown = expect.stringMatching(/Somebody else changed .* while it was being copied/);
      expect({ code, events }).toEqual({
        code: 12,
        events: expect.arrayContaining([
          expect.objectContaining({ type: 'result', error: expect.objectContaining({ code: 'target-busy', message }) }),
        ]),
      });
      expect(await readFile(target, 'utf8')).toBe(theirs);
      await expectContinued(name, target, IN_FLIGHT);
    },
  );

  it('the target has become a directory: 4, and what was fetched is kept', async () => {
    const { target, run } = await begun('directory');
    await mkdir(target);
    expect((await run.end()).code).toBe(4);
    await rmdir(target);
    await expectContinued('directory', target, IN_FLIGHT);
  });

  it('the partial file is removed: 4, and nothing is said to be kept', async () => {
    const { target, run } = await begun('removed');
    await unlink(await partialOf(bed.dir.path, 'removed'));
    const ended = await run.end();
    expect(ended.code).toBe(4);
    expect(eventsOf(ended, 'result')[0]).toMatchObject({ bytesKept: 0, error: { code: 'partial-refused' } });
    await expectContinued('removed', target, Number.POSITIVE_INFINITY);
  });

  it('the partial file is removed, and the run is interrupted: nothing is said to be kept', async () => {
    const { run } = await begun('interrupted');
    await unlink(await partialOf(bed.dir.path, 'interrupted'));
    run.kill('SIGINT');
    const ended = await run.end();
    expect(ended.code).toBe(130);
    expect(eventsOf(ended, 'result')[0]).toMatchObject({ bytesKept: 0 });
  });
});

describeOn(
  'sshd',
  'mtget from a server that runs no commands',
  (bed) => {
    it('--verify hash: 9, and no advice that mtget refuses', async () => {
      await writeRandomFile(join(bed.server.home, 'small.bin'), MB);
      const from = { server: bed.server, paths: ['small.bin'] };
      const { code, stderr } = await mtget(from, bed.dir.file('hash'), ['--verify', 'hash']);
      expect({ code, stderr }).toEqual({
        code: 9,
        stderr: expect.stringMatching(/--install-helper, or use --verify auto/),
      });
      expect(stderr).not.toMatch(/read-back/);
    });

    it.each(byTier(['auto'], ['auto', 'size', 'none']))(
      '--verify %s: what is said to be kept is continued',
      async (verify) => {
        const source = join(bed.server.home, 'source.bin');
        await writeRandomFile(source, SIZE);
        const target = bed.dir.file(verify);
        const from = { server: bed.server, paths: ['source.bin'] };
        const live = await startLiveDownload(from, target, [...SLOWLY, '--verify', verify]);
        await live.event('progress', ({ bytesDone }) => bytesDone > SIZE / 3);
        live.kill('SIGINT');
        const [stopped] = eventsOf(await live.end(), 'result');
        expect(stopped!.bytesKept).toBeGreaterThan(SIZE / 4);
        const again = await mtgetJson(from, target, [...PIECES, '--verify', verify]);
        expect(again.code).toBe(0);
        expect(eventsOf(again, 'result')[0]!.bytesResumed).toBe(stopped!.bytesKept);
        expect(await sha256Of(target)).toBe(await sha256Of(source));
      },
    );
  },
  () => startSshd({ forceSftp: true }),
);

describeOn(
  'sshd',
  'mtget --inplace to a disk',
  (bed) => {
    /** A source of 12 MB, and a disk for its target. */
    async function placeOn(bytes: number) {
      await writeRandomFile(join(bed.server.home, 'big.bin'), 12 * MB);
      const directory = (await tempDirForTest()).file('disk');
      const disk = await mountSmallDisk(directory, bytes);
      if (typeof disk === 'string') throw new Error(disk);
      onTestFinished(disk.unmount);
      return { disk, directory, from: { server: bed.server, paths: ['big.bin'] }, target: join(directory, 'x') };
    }

    it('that has no room: 4, and nothing is written or created', async () => {
      const { directory, from, target } = await placeOn(8 * MB);
      expect((await mtget(from, target, ['--inplace'])).code).toBe(4);
      expect(await readdir(directory)).toEqual([]);
      await writeFile(target, 'old');
      const { code, stderr } = await mtget(from, target, ['--inplace']);
      expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringMatching(/nothing was written/) });
      expect(stderr).not.toMatch(/overwritten/);
      expect(await readFile(target, 'utf8')).toBe('old');
    });

    it('on which a partial file takes the room: removes that first, and says so', async () => {
      const { disk, directory, from, target } = await placeOn(20 * MB);
      const live = await startLiveDownload(from, target, ['-n', '2', '--limit', '6M']);
      await live.event('progress', ({ bytesDone }) => bytesDone > 9 * MB);
      live.kill();
      await live.end();
      const partial = await partialOf(directory, 'x');
      expect((await stat(partial)).size).toBeGreaterThan(8 * MB);
      await disk.leave(4 * MB);
      const run = await mtget(from, target, ['--inplace']);
      expect({ code: run.code, said: run.stdout + run.stderr }).toEqual({
        code: 0,
        said: expect.stringMatching(/partial file of an earlier run was removed: .*\.x\.[0-9a-f]{16}\.mtpart/),
      });
      expect(await sha256Of(target)).toBe(await sha256Of(join(bed.server.home, 'big.bin')));
      expect(await partialsOf(directory, 'x')).toEqual([]);
    });
  },
  undefined,
  ['root'],
);
