/** Downloads for which there is no room, or of which only one connection may read. */
import { chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { proftpdForTest, sshdForTest, tempDirForTest } from '../support/for-one-test.ts';
import { eventsOf, mtget, mtgetJson } from '../support/mtput.ts';
import { startProftpd } from '../support/proftpd.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { startSshd } from '../support/sshd.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';

describeWithServers(['sshd', 'root'], 'mtget to a disk', () => {
  let server: TestServer;
  let dir: TempDir;
  beforeAll(async () => {
    server = await startSshd();
    dir = await makeTempDir('disk');
    await writeRandomFile(`${server.home}/big.bin`, 12_000_000);
  });
  afterAll(async () => {
    await server?.stop();
    await dir?.remove();
  });

  it('that has no room: 4, what is needed and what is free, and nothing is left', async () => {
    const path = dir.file('disk');
    const disk = await mountSmallDisk(path, 8_000_000);
    if (typeof disk === 'string') throw new Error(disk);
    onTestFinished(disk.unmount);
    const { code, stderr } = await mtget({ server, paths: ['big.bin'] }, `${path}/x`);
    expect({ code, stderr }).toEqual({
      code: 4,
      stderr: expect.stringMatching(/needs 11 MiB, and 7\.6 MiB are free/),
    });
    expect(await readdir(path)).toEqual([]);
  });
});

describeWithServers(['sshd'], 'mtget from a server that does not tell the attributes of open files', () => {
  it('asks for them by the path', async () => {
    const server = await sshdForTest({ sftpOptions: '-P fstat' });
    const dir = await tempDirForTest();
    await writeRandomFile(`${server.home}/f.bin`, 9_000_000);
    const run = await mtgetJson({ server, paths: ['f.bin'] }, dir.file('x'), ['-n', '3']);
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
    expect(await sha256Of(dir.file('x'))).toBe(await sha256Of(`${server.home}/f.bin`));
  });
});

describeWithServers(['root'], 'mtget to a disk that an earlier partial file fills', () => {
  it('removes it before room is looked for', async () => {
    const server = await sshdForTest();
    const path = (await tempDirForTest()).file('disk');
    const disk = await mountSmallDisk(path, 16_000_000);
    if (typeof disk === 'string') throw new Error(disk);
    onTestFinished(disk.unmount);
    await writeRandomFile(`${server.home}/f.bin`, 12_000_000);
    await writeRandomFile(`${path}/.x.0123456789abcdef.mtpart`, 9_000_000);
    await chmod(`${path}/.x.0123456789abcdef.mtpart`, 0o600);
    const { code, stderr } = await mtget({ server, paths: ['f.bin'] }, `${path}/x`, ['--no-resume']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('f.bin') });
    expect(await readdir(path)).toEqual(['x']);
  });
});

describeWithServers(['proftpd'], 'mtget from a server that lets few connections read', () => {
  let server: TestServer;
  let dir: TempDir;
  beforeAll(async () => {
    server = await startProftpd({ directives: ['MaxTransfersPerUser RETR 2'] });
    dir = await makeTempDir('few');
    await writeRandomFile(`${server.home}/big.bin`, byTier(12, 30) * 1_000_000);
  });
  afterAll(async () => {
    await server?.stop();
    await dir?.remove();
  });

  it('arrives whole over as many as it lets, and a line says why', async () => {
    const run = await mtgetJson({ server, paths: ['big.bin'] }, dir.file('x'), ['-n', '4']);
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
    expect(await sha256Of(dir.file('x'))).toBe(await sha256Of(`${server.home}/big.bin`));
    const told = eventsOf(run, 'notice').filter(({ code }) => code === 'fewer-readers' || code === 'single-reader');
    expect(told).toMatchObject([
      { message: expect.stringMatching(/^.*\b(1|one) connection (is used|reads it), because /) },
    ]);
  });
});

describeWithServers(['proftpd'], 'mtget of several files from a server that lets one be read at a time', () => {
  it.each([
    ['large ones', 2, 12_000_000],
    ['small ones', 5, 100_000],
    ['more than are opened at first', 12, 50_000],
  ])('%s: each waits for its turn', async (_, count, size) => {
    const server = await proftpdForTest('MaxTransfersPerUser RETR 2');
    const dir = await tempDirForTest();
    const paths = Array.from({ length: count }, (_, index) => `${index}.bin`);
    for (const path of paths) await writeRandomFile(join(server.home, path), size);
    const run = await mtgetJson({ server, paths }, dir.path, ['-n', '3']);
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
    for (const path of paths) expect(await sha256Of(dir.file(path))).toBe(await sha256Of(join(server.home, path)));
  });
});

describeWithServers(['sshd', 'root'], 'mtget of several files of which one may not be read', () => {
  it('fails for that one, and gets the others', async () => {
    const server = await sshdForTest({ user: 'nobody' });
    const dir = await tempDirForTest();
    const paths = ['a.bin', 'secret.bin', 'b.bin'];
    for (const path of paths) await writeRandomFile(join(server.home, path), 5_000_000);
    await chmod(join(server.home, 'secret.bin'), 0o600);
    const run = await mtgetJson({ server, paths }, dir.path, ['-n', '2']);
    expect(run.code).toBe(1);
    expect(await readdir(dir.path)).toEqual(['a.bin', 'b.bin']);
    expect(eventsOf(run, 'file').filter(({ state }) => state === 'failed')).toMatchObject([
      { source: expect.stringContaining('secret.bin'), error: { code: 'source-unreadable', exitCode: 3 } },
    ]);
  });
});
