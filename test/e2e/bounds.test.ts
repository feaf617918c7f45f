/** What the system refuses or limits is told, or done without; it never becomes an endless loop. */
import { describe, expect, it } from 'vitest';
import { describeOn } from '../support/each-server.ts';
import { cleanEnvironment, mtputPath, putArguments } from '../support/mtput.ts';
import { type RunResult, run } from '../support/process.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { expectFailure, expectSuccess } from '../support/run-outcome.ts';

/** In KiB, as `ulimit` counts. */
const GIB = 1024 * 1024;

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

  describe.runIf(process.platform === 'linux')('little address space', () => {
    const runIn = async (kib: number, environment: NodeJS.ProcessEnv = {}): Promise<RunResult> => {
      const source = bed.dir.file('source.bin');
      await writeRandomFile(source, 10_000_000);
      const put = [process.execPath, mtputPath, ...putArguments([source], { server: bed.server, path: 'little.bin' })];
      return run('sh', ['-c', `ulimit -v ${kib}; exec "$@"`, 'sh', ...put], {
        env: { ...cleanEnvironment(bed.server.dir), ...environment },
        timeoutMs: 60_000,
      });
    };

    it('is told, with what to do', async () => {
      const told = await runIn(4 * GIB);
      expectFailure(told, 11, /^mtput: The system allows this program too little address space\.$/, /ulimit -v/);
      expect(told.stderr.trimEnd().split('\n')).toHaveLength(2);
    });

    it.each([
      ['what the advice says', 4 * GIB, { NODE_OPTIONS: '--disable-wasm-trap-handler' }],
      ['the other thing it says', 12 * GIB, {}],
    ] as const)('%s is enough', async (_, kib, environment) => {
      expectSuccess(await runIn(kib, environment));
    });
  });
});
