import { mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_USER, demoFiles } from '../../demo/demo-files.ts';
import { type DemoServer, startDemoServer } from '../../demo/demo-server.ts';
import { cleanEnvironment, mtputPath } from '../support/mtput.ts';
import { type RunResult, run } from '../support/process.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { repoRoot } from '../support/repo-root.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';

describe("the demo's server", () => {
  let dir: TempDir;
  let server: DemoServer;
  let source: string;
  beforeAll(async () => {
    dir = await makeTempDir('demo-server');
    server = await startDemoServer(dir.path);
    await server.trustPort(server.port);
    source = dir.file('source file.bin');
    await writeRandomFile(source, 20_000_001);
  });
  afterAll(async () => {
    await server.stop();
    await dir.remove();
  });

  function served(...names: string[]): string {
    return join(demoFiles(dir.path).served, ...names);
  }

  function argumentsTo(target: string, file: string, more: readonly string[] = []): string[] {
    const { userKey, knownHosts } = demoFiles(dir.path);
    const ssh = ['-P', `${server.port}`, '-i', userKey, '-o', `UserKnownHostsFile=${knownHosts}`, '-B'];
    return [...ssh, ...more, file, `${DEMO_USER}@127.0.0.1:${target}`];
  }

  function put(target: string, more: readonly string[] = []): Promise<RunResult> {
    const args = [mtputPath, ...argumentsTo(target, source, more)];
    return run(process.execPath, args, { env: cleanEnvironment(dir.path) });
  }

  it.each(['1', '4'])('takes a file over %s connections, with mode and time', async (connections) => {
    const { code, stderr } = await put(`in-${connections}.bin`, ['-n', connections]);
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('verified by size') });
    const arrived = served(`in-${connections}.bin`);
    expect(await sha256Of(arrived)).toBe(await sha256Of(source));
    const [here, there] = await Promise.all([stat(source), stat(arrived)]);
    expect(there.mode & 0o777).toBe(here.mode & 0o777);
    expect(Math.floor(there.mtimeMs / 1000)).toBe(Math.floor(here.mtimeMs / 1000));
  });

  it('replaces what stands there, and makes directories', async () => {
    await writeFile(served('old.bin'), 'old');
    expect(await put('old.bin')).toMatchObject({ code: 0 });
    expect(await sha256Of(served('old.bin'))).toBe(await sha256Of(source));
    expect(await put('new directory/')).toMatchObject({ code: 0 });
    expect(await sha256Of(served('new directory', 'source file.bin'))).toBe(await sha256Of(source));
  });

  it('serves nothing outside of its directory', async () => {
    await mkdir(dir.file('outside'));
    await symlink(dir.file('outside'), served('link'));
    for (const target of ['../outside/x', '/../outside/x', 'link/x', `/${dir.file('outside')}/x`]) {
      const { code } = await put(target);
      if (code === 0) expect(await sha256Of(served(dir.file('outside'), 'x'))).toBe(await sha256Of(source));
      await expect(stat(dir.file('outside', 'x')), target).rejects.toThrow('ENOENT');
    }
  });

  it('lets in nobody without its key', async () => {
    const { knownHosts, hostKey } = demoFiles(dir.path);
    const ssh = ['-P', `${server.port}`, '-i', hostKey, '-o', `UserKnownHostsFile=${knownHosts}`, '-B'];
    const args = [mtputPath, ...ssh, source, `${DEMO_USER}@127.0.0.1:x`];
    expect(await run(process.execPath, args, { env: cleanEnvironment(dir.path) })).toMatchObject({ code: 7 });
  });

  it('npm start -- FILE DESTINATION finds the file where the command was typed', async () => {
    const result = await run(
      process.execPath,
      [join(repoRoot, 'scripts/start.mjs'), ...argumentsTo('typed.bin', 'source file.bin')],
      { cwd: repoRoot, env: { ...cleanEnvironment(dir.path), INIT_CWD: dir.path } },
    );
    expect(result).toMatchObject({ code: 0 });
    expect(await sha256Of(served('typed.bin'))).toBe(await sha256Of(source));
  });
});
