import { chmod, mkdir, readdir, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeOnEach } from '../support/each-server.ts';
import { giveTo } from '../support/give-to.ts';
import { eventsOf, mtget, mtgetJson } from '../support/mtput.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { expectFailure } from '../support/run-outcome.ts';
import { byTier } from '../support/tier.ts';

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

  const SIZE = byTier(20, 40) * 1_000_000;

  it('comes over as many connections as it is told, verified by digest, with mode and time', async () => {
    const from = await source('many.bin', SIZE);
    await giveTo(bed.server, from);
    await chmod(from, 0o640);
    await utimes(from, 1_000_000_000, 1_000_000_000);
    const into = await targets('many');
    const run = await mtgetJson({ server: bed.server, paths: ['many.bin'] }, `${into}/x`, ['-n', '4']);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const [result] = eventsOf(run, 'result');
    expect(result).toMatchObject({ filesDone: 1, bytesSent: SIZE, connectionsUsed: 4 });
    expect(result!.verified.byDigest).toBe(SIZE);
    expect(eventsOf(run, 'plan')[0]).toMatchObject({ direction: 'download', bytes: SIZE, connections: 4 });
    expect(await sha256Of(`${into}/x`)).toBe(await sha256Of(from));
    const { mode, mtimeMs } = await stat(`${into}/x`);
    expect({ mode: mode & 0o7777, mtimeMs }).toEqual({ mode: 0o640, mtimeMs: 1_000_000_000_000 });
  });

  it('3 where the source does not exist', async () => {
    const into = await targets('none');
    const run = await mtget({ server: bed.server, paths: ['nothing-there'] }, `${into}/x`);
    expectFailure(run, 3, /does not exist\.$/, /./);
    expect(await readdir(into)).toEqual([]);
  });

  it('--verify read-back is a usage error that says why', async () => {
    const { code, stderr } = await mtget({ server: bed.server, paths: ['x'] }, 'y', ['--verify', 'read-back']);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('read back') });
  });

  it('a sparse source arrives', async () => {
    const from = join(bed.server.home, 'sparse');
    await writeFile(from, 'x');
    await truncate(from, byTier(10, 30) * 1_000_000);
    const into = await targets('sparse');
    expect((await mtget({ server: bed.server, paths: ['sparse'] }, `${into}/`)).code).toBe(0);
    expect(await sha256Of(`${into}/sparse`)).toBe(await sha256Of(from));
  });
});
