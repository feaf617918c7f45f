/** What a hang-up does: it ends a run that has a terminal, and no other, however that was detached from one. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeOn } from '../support/each-server.ts';
import { proxyForTest } from '../support/for-one-test.ts';
import { cleanEnvironment, mtputPath, putArguments } from '../support/mtput.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { hasTerminalProgram, shellWord, startAtTerminal } from '../support/terminal.ts';
import { byTier } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

const MB = 1_000_000;

describeOn('sshd', 'a hang-up', (bed) => {
  beforeAll(() => writeRandomFile(bed.dir.file('big.bin'), 8 * MB));

  describe.skipIf(!hasTerminalProgram)(`at a terminal${hasTerminalProgram ? '' : ' [skipped: no script]'}`, () => {
    it.each([
      ['PROGRAM', 129],
      ['PROGRAM < /dev/null > OUT', 129],
      ['nohup PROGRAM', 0],
      ['setsid --wait PROGRAM < /dev/null > OUT 2>&1', 0],
      ...byTier(
        [],
        [
          ['PROGRAM > OUT 2>&1', 129] as const,
          ['PROGRAM < /dev/null 2> OUT', 129] as const,
          ['nohup PROGRAM > OUT', 0] as const,
          ['nohup PROGRAM 2> OUT', 0] as const,
          ['nohup PROGRAM < /dev/null > OUT 2>&1', 0] as const,
          ['PROGRAM < /dev/null > OUT 2>&1', 0] as const,
        ],
      ),
    ] as const)('%s ends with %i', async (form, expected) => {
      const { server, dir } = bed;
      const name = `f${Math.random().toString(16).slice(2)}`;
      const proxy = await proxyForTest(server, { bytesPerSecond: MB / 4 });
      const to = { server, port: proxy.port, path: name };
      const words = [process.execPath, mtputPath, ...putArguments([dir.file('big.bin')], to, ['-n', '2'])];
      const program = words.map(shellWord).join(' ');
      const [out, code] = [dir.file(`${name}.out`), dir.file(`${name}.code`)];
      const command = form.replace('PROGRAM', program).replace('OUT', shellWord(out));
      // The kernel tells the session leader, and all others at the terminal when that has ended. The inner shell
      // ignores it, so that the program is started as `nohup` would start it, and reports how the program ended.
      const end = `echo $? > ${shellWord(`${code}.new`)}; mv ${shellWord(`${code}.new`)} ${shellWord(code)}`;
      const inner = `trap '' HUP; cd ${shellWord(dir.path)}; ${command}; ${end}`;
      const terminal = await startAtTerminal(`sh -c ${shellWord(inner)}; true`, cleanEnvironment(server.dir));
      await waitFor(async () => (await proxy.stats()).bytesUp > MB / 2, { what: 'bytes to pass', timeoutMs: 30_000 });
      await terminal.hangUp();
      await proxy.reshape('all', { bytesPerSecond: 1000 * MB });
      await waitFor(() => existsSync(code), { what: 'the end of the run', timeoutMs: 60_000 });
      const told = form.includes('OUT') ? await readFile(out, 'utf8') : '';
      expect(Number(await readFile(code, 'utf8')), told).toBe(expected);
      expect(existsSync(join(server.home, name))).toBe(expected === 0);
      if (expected === 0) {
        expect(await sha256Of(join(server.home, name))).toBe(await sha256Of(dir.file('big.bin')));
      }
    });
  });
});
