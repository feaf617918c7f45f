/** What servers do in the place of running a command: recognised within seconds, and without harm. */
import { readdir } from 'node:fs/promises';
import { it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { type ForcingServer, RUN_COMMAND, startForcingSshd } from '../support/forced-command.ts';
import { eventsOf, mtputJson, noticesOf } from '../support/mtput.ts';
import { writeRandomFile } from '../support/random-file.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { byTier } from '../support/tier.ts';

const SIZE = 3_000_001;
const NAME = 'arrived.bin';
const args = ['-n', '3', '-s', '64K'];
const nothing = { byDigest: 0, byReadBack: 0, bySize: 0, notVerified: 0 };
/** In which it is found out that nothing can hash, with room for a machine that has other things to do. */
const RECOGNISED_MS = 5000 + 40_000;

/** What stands in the way of commands, as the line that runs them. */
const OBSTACLES: readonly (readonly [string, string])[] = [
  ['an account without login', "echo 'This account is currently not available.'; exit 1"],
  ['a command that takes everything and says nothing', 'exec cat >/dev/null'],
  ['a command that prints without end', 'exec yes'],
  ['an echo', 'exec cat'],
  ['noise before the shell', `echo 'Welcome!'; printf 'no newline'; echo oops >&2; ${RUN_COMMAND}`],
];

const isInTheWay = (what: string): boolean => !what.startsWith('noise');

describeWithServers(['sshd', 'sftp-server'], 'an upload where commands meet', () => {
  // Beside each other, as most of what they do is wait.
  it.concurrent.for(byTier([OBSTACLES[1]!, OBSTACLES[4]!], OBSTACLES))(
    '%s: recognised in time, without harm',
    async ([what, line], { expect }) => {
      const dir = await makeTempDir('obstacle');
      let server: ForcingServer | undefined;
      try {
        server = await startForcingSshd({ runCommand: () => line });
        await writeRandomFile(dir.file('source'), SIZE);
        const startedAt = performance.now();
        const run = await mtputJson([dir.file('source')], { server, path: NAME }, args);
        expect(performance.now() - startedAt).toBeLessThan(RECOGNISED_MS);
        expect([run.code, run.stderr]).toEqual([0, '']);
        expect(eventsOf(run, 'result')[0]?.verified).toEqual({
          ...nothing,
          [isInTheWay(what) ? 'bySize' : 'byDigest']: SIZE,
        });
        expect(noticesOf(run).map(({ code }) => code)).toEqual(isInTheWay(what) ? ['no-digests'] : []);
        expect(await readdir(server.home)).toEqual([NAME]);
      } finally {
        await Promise.all([server?.stop(), dir.remove()]);
      }
    },
  );
});
