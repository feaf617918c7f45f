/** What the system refuses or limits is told, or done without; it never becomes an endless loop. */
import { rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { describeOn } from '../support/each-server.ts';
import { cleanEnvironment, getArguments, mtgetPath, mtputPath, putArguments } from '../support/mtput.ts';
import { type RunResult, run } from '../support/process.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { expectFailure, expectSuccess } from '../support/run-outcome.ts';
import { byTier } from '../support/tier.ts';

/** Of more than one piece, so that there is a journal, and more than one connection. */
const SIZE = byTier(5, 10) * 1_000_000;

/** In KiB, as `ulimit` counts. */
const GIB = 1024 * 1024;

describeOn('sshd', 'limits of the system', (bed) => {
  it.runIf(process.platform === 'linux').each([
    ['HOME', { HOME: '/proc/nowhere', XDG_STATE_HOME: undefined }],
    // Where a file is in its place is in target-lock.test.ts.
    ...byTier([], [['the state directory', { XDG_STATE_HOME: '/proc/nowhere/state' }] as const]),
  ] as [string, NodeJS.ProcessEnv][])('%s may be where nothing can be made', async (_, environment) => {
    const source = bed.dir.file('source.bin');
    await writeRandomFile(source, SIZE);
    const to = { server: bed.server, path: 'arrived.bin' };
    const result = await run(process.execPath, [mtputPath, ...putArguments([source], to)], {
      env: { ...cleanEnvironment(bed.server.dir), ...environment },
      timeoutMs: 60_000,
    });
    expectSuccess(result);
    expect(result.stderr).toMatch(/journal.*ENOENT/);
    expect(await sha256Of(`${bed.server.home}/arrived.bin`)).toBe(await sha256Of(source));
  });

  it.runIf(process.platform === 'linux').each(byTier([20, 28], [20, 24, 28, 32, 36, 40, 48, 64]))(
    'with %i open files, the file arrives, or the limit is named',
    async (files) => {
      const source = bed.dir.file('source.bin');
      await writeRandomFile(source, SIZE);
      await rm(bed.dir.file('few.bin'), { force: true });
      const put = [mtputPath, ...putArguments([source], { server: bed.server, path: 'few.bin' })];
      const get = [mtgetPath, ...getArguments({ server: bed.server, paths: ['few.bin'] }, bed.dir.file('few.bin'))];
      for (const program of [put, get]) {
        const command = ['-c', `ulimit -n ${files}; exec "$@"`, 'sh', process.execPath, ...program];
        const result = await run('sh', command, { env: cleanEnvironment(bed.server.dir), timeoutMs: 60_000 });
        const what = result.stderr;
        if (result.code === 0 || (program === get && /no such file/i.test(what))) continue;
        expect(what).toMatch(/too few open files|too many open files|EMFILE/);
        expect(what).not.toMatch(/^\s+at |node:internal/m);
        expect(result.code).toBe(11);
      }
    },
  );

  describe.runIf(process.platform === 'linux')('little address space', () => {
    const runIn = async (kib: number, environment: NodeJS.ProcessEnv = {}): Promise<RunResult> => {
      const source = bed.dir.file('source.bin');
      await writeRandomFile(source, SIZE);
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
