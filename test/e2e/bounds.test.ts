/** What the system refuses or limits is told, or done without; it never becomes an endless loop. */
import { expect, it } from 'vitest';
import { describeOn } from '../support/each-server.ts';
import { cleanEnvironment, mtputPath, putArguments } from '../support/mtput.ts';
import { run } from '../support/process.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { expectSuccess } from '../support/run-outcome.ts';

describeOn('sshd', 'limits of the system', (bed) => {
  it.runIf(process.platform === 'linux').each([
    ['HOME', { HOME: '/proc/nowhere', XDG_STATE_HOME: undefined }],
    ['the state directory', { XDG_STATE_HOME: '/proc/nowhere/state' }],
  ] as const)('%s may be where nothing can be made', async (_, environment) => {
    const source = bed.dir.file('source.bin');
    await writeRandomFile(source, 10_000_000);
    const to = { server: bed.server, path: 'arrived.bin' };
    const result = await run(process.execPath, [mtputPath, ...putArguments([source], to)], {
      env: { ...cleanEnvironment(bed.server.dir), ...environment },
      timeoutMs: 60_000,
    });
    expectSuccess(result);
    expect(result.stderr).toMatch(/journal.*ENOENT/);
    expect(await sha256Of(`${bed.server.home}/arrived.bin`)).toBe(await sha256Of(source));
  });
});
