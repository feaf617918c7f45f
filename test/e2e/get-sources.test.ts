/** Downloads of what is no ordinary file, or changes in a way that its size and time do not show. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, open, readdir, rename, stat, symlink, truncate, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { type Bed, describeOnEach } from '../support/each-server.ts';
import { startLiveDownload } from '../support/live-run.ts';
import { mtget } from '../support/mtput.ts';
import { writeRandomFile } from '../support/random-file.ts';
import { byTier } from '../support/tier.ts';

const MB = 1_000_000;
const SIZE = 24 * MB;

interface Odd {
  readonly code: number;
  readonly says: RegExp;
  /** Makes it at `path`, or returns where it is. */
  readonly make: (path: string) => Promise<unknown>;
}

const ODD: Record<string, Odd> = {
  'a FIFO': { code: 3, says: /not a regular file/, make: (path) => promisify(execFile)('mkfifo', [path]) },
  'a link to a device that never ends': {
    code: 3,
    says: /not a regular file/,
    make: (path) => symlink('/dev/zero', path),
  },
  'a link to nothing': { code: 3, says: /does not exist/, make: (path) => symlink('nothing', path) },
  'a link to itself': { code: 3, says: /a-link-to-itself/, make: (path) => symlink(path, path) },
  'a file that reports 0 bytes and has some': {
    code: 10,
    says: /has more bytes than the 0 that the server reports/,
    make: (path) => symlink('/proc/cpuinfo', path),
  },
};

/** In the quick tier a device stands for a FIFO, and what is missing is in several-files.test.ts. */
const QUICK_ODD = Object.entries(ODD).filter(([title]) => title !== 'a FIFO' && title !== 'a link to nothing');

async function expectNothingGot({ dir }: Bed, name: string): Promise<void> {
  expect((await readdir(dir.path)).filter((one) => one.includes(name))).toEqual([]);
}

describeOnEach('mtget of odd sources', (bed) => {
  it.each(byTier(QUICK_ODD, Object.entries(ODD)))('%s', async (title, { code, says, make }) => {
    const name = title.replaceAll(' ', '-');
    await make(join(bed.server.home, name));
    const run = await mtget({ server: bed.server, paths: [name] }, bed.dir.file(name), ['--retry-for', '5s']);
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code, stderr: expect.stringMatching(says) });
    await expectNothingGot(bed, name);
  });

  // How it changed makes no difference to who reads it: in the quick tier one of each, with digests and without.
  it.each([
    ['another file takes its name', replaceByAnother, ['--digest-provider', 'none']],
    ['it is written, and its time set back', rewrite, []],
    ...byTier<[string, (path: string) => Promise<void>, string[]][]>(
      [],
      [
        ['another file takes its name', replaceByAnother, []],
        ['it is written, and its time set back', rewrite, ['--digest-provider', 'none']],
      ],
    ),
  ] as [string, (path: string) => Promise<void>, string[]][])(
    '10 where %s, of the same size and time: %j',
    async (title, change, more) => {
      const name = `${title.replaceAll(' ', '-')}-${more.length}`;
      const path = join(bed.server.home, name);
      await writeRandomFile(path, SIZE);
      await chmod(path, 0o644);
      const args = ['-n', '4', '--limit', `${SIZE / 3}B`, ...more];
      const run = await startLiveDownload({ server: bed.server, paths: [name] }, bed.dir.file(name), args);
      await run.event('progress', ({ bytesDone }) => bytesDone > SIZE / 3);
      await change(path);
      // Each connection opens the file once, so that only later ones see another file.
      await bed.server.killSessions();
      const end = await run.end();
      expect({ code: end.code, stderr: end.stderr }).toEqual({ code: 10, stderr: expect.stringMatching(/changed/) });
      expect(end.stderr).not.toMatch(/safe/);
      const left = (await readdir(bed.dir.path)).filter((one) => one.includes(name));
      // Digests show the next run what of it is right.
      expect(left).toEqual(more.length > 0 ? [] : [expect.stringMatching(/\.mtpart$/)]);
    },
  );

  it('10 where it becomes shorter meanwhile', async () => {
    const path = join(bed.server.home, 'shorter');
    await writeRandomFile(path, SIZE);
    await chmod(path, 0o644);
    const args = ['-n', '4', '--limit', `${SIZE / 3}B`];
    const run = await startLiveDownload({ server: bed.server, paths: ['shorter'] }, bed.dir.file('shorter'), args);
    await run.event('progress', ({ bytesDone }) => bytesDone > SIZE / 4);
    await truncate(path, SIZE / 2);
    const end = await run.end();
    expect({ code: end.code, stderr: end.stderr }).toEqual({ code: 10, stderr: expect.stringMatching(/shorter|size/) });
    expect(await stat(bed.dir.file('shorter')).catch(() => 'nothing')).toBe('nothing');
  });
});

async function replaceByAnother(path: string): Promise<void> {
  const { mtime } = await stat(path);
  await writeRandomFile(`${path}.new`, SIZE);
  await chmod(`${path}.new`, 0o644);
  await utimes(`${path}.new`, mtime, mtime);
  await rename(`${path}.new`, path);
}

async function rewrite(path: string): Promise<void> {
  const { mtime } = await stat(path);
  const file = await open(path, 'r+');
  await file.write(randomBytes(SIZE));
  await file.close();
  await utimes(path, mtime, mtime);
}
