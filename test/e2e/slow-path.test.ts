/** With `-v`, one line says why sending takes more processor time than it could. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { sourceForTest, sshdForTest } from '../support/for-one-test.ts';
import { cleanEnvironment, mtputPath, putArguments } from '../support/mtput.ts';
import { run } from '../support/process.ts';
import { repoRoot } from '../support/repo-root.ts';

const WITHOUT_ADDON = ['--require', join(repoRoot, 'bench/support/without-addon.cjs')];
const MISSING = "ssh2's native add-on is missing";
const OFF = 'the fast path is off (MT_COPY_FAST_PATH=no)';

describeWithServers(['sshd'], 'what makes sending slow', () => {
  it('is told with -v, in one line, and not without it', async () => {
    const server = await sshdForTest();
    const source = await sourceForTest(300_000);
    const lines = async (node: string[], environment: NodeJS.ProcessEnv, more: string[]): Promise<string[]> => {
      const args = putArguments([source.path], { server, path: 'x.bin' }, ['-n', '3', '-s', '64K', ...more]);
      const { code, stderr } = await run(process.execPath, [...node, mtputPath, ...args], {
        env: { ...cleanEnvironment(server.dir), ...environment },
        timeoutMs: 60_000,
      });
      expect(code).toBe(0);
      return stderr.split('\n').filter((line) => /fast path|add-on/.test(line));
    };
    const off = { MT_COPY_FAST_PATH: 'no' };
    const note = (...causes: string[]) => [
      `Sending takes more processor time than it could: ${causes.join(', and ')}.`,
    ];
    expect(await lines(WITHOUT_ADDON, {}, ['-v'])).toEqual(note(MISSING));
    expect(await lines(WITHOUT_ADDON, off, ['-v'])).toEqual(note(OFF, MISSING));
    expect(await lines(WITHOUT_ADDON, off, [])).toEqual([]);
    // Where the add-on could not be built, it is missing here too.
    expect((await lines([], off, ['-v'])).join()).toContain(OFF);
  });
});
