/** Downloads for which there is no room, or of which only one connection may read. */
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { eventsOf, mtget, mtgetJson } from '../support/mtput.ts';
import { startProftpd } from '../support/proftpd.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { startSshd } from '../support/sshd.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import type { TestServer } from '../support/test-server.ts';

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

describeWithServers(['proftpd'], 'mtget from a server that lets few connections read', () => {
  let server: TestServer;
  let dir: TempDir;
  beforeAll(async () => {
    server = await startProftpd({ directives: ['MaxTransfersPerUser RETR 2'] });
    dir = await makeTempDir('few');
    await writeRandomFile(`${server.home}/big.bin`, 30_000_000);
  });
  afterAll(async () => {
    await server?.stop();
    await dir?.remove();
  });

  it('arrives whole over one connection, and -v says why', async () => {
    const run = await mtgetJson({ server, paths: ['big.bin'] }, dir.file('x'), ['-n', '4']);
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
    expect(await sha256Of(dir.file('x'))).toBe(await sha256Of(`${server.home}/big.bin`));
    expect(eventsOf(run, 'notice').filter(({ code }) => code === 'single-reader')).toMatchObject([{ level: 'detail' }]);
  });
});
