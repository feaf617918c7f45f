import { stat } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { eventsOf, mtput, mtputJson } from '../support/mtput.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { startSshd } from '../support/sshd.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';

describeWithServers(['sshd'], 'mtput of one file', () => {
  let server: TestServer;
  let dir: TempDir;
  beforeAll(async () => {
    server = await startSshd();
    dir = await makeTempDir('put');
  });
  afterAll(async () => {
    await server?.stop();
    await dir?.remove();
  });

  it('arrives whole, with mode and time, over one connection', async () => {
    const source = dir.file('one.bin');
    await writeRandomFile(source, 10_000_000);
    const { code, stderr } = await mtput([source], { server, path: 'one.bin' }, ['-n', '1']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('one.bin') });
    expect(await sha256Of(`${server.home}/one.bin`)).toBe(await sha256Of(source));
    const [here, there] = await Promise.all([stat(source), stat(`${server.home}/one.bin`)]);
    expect(there.mode & 0o777).toBe(here.mode & 0o777);
    expect(Math.floor(there.mtimeMs / 1000)).toBe(Math.floor(here.mtimeMs / 1000));
  });

  it('uses as many connections as it is told', async () => {
    const source = dir.file('many.bin');
    const size = byTier(24, 60) * 1_000_000;
    await writeRandomFile(source, size);
    const run = await mtputJson([source], { server, path: 'many.bin' }, ['-n', '5']);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(await sha256Of(`${server.home}/many.bin`)).toBe(await sha256Of(source));
    expect(eventsOf(run, 'result')[0]).toMatchObject({ exitCode: 0, filesDone: 1, bytesSent: size });
  });
});
