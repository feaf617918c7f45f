/** Servers that let us in and begin no SFTP: the message has what they said, how it ended, and the usual cause. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { sourceForTest, sshdForTest, tempDirForTest } from '../support/for-one-test.ts';
import { eventsOf, mtput, mtputJson } from '../support/mtput.ts';
import { byTier } from '../support/tier.ts';

interface Case {
  readonly name: string;
  /** Of the quick tier. */
  readonly isQuick?: true;
  /** Lines of sshd_config; `PROGRAM` stands for a script of `program`. */
  readonly config: string;
  readonly program?: string;
  /** `.bashrc` of the account. */
  readonly startUp?: string;
  readonly message: RegExp;
  readonly advice: RegExp;
}

const cases: readonly Case[] = [
  {
    name: 'nologin',
    isQuick: true,
    config: 'Subsystem sftp PROGRAM',
    program: 'echo "This account is currently not available."; exit 1',
    message: /ended with status 1 before SFTP began; it said: This account is currently not available\.$/,
    advice: /a shell that lets nobody in, such as nologin/,
  },
  {
    name: 'no sftp-server',
    isQuick: true,
    config: 'Subsystem sftp /nowhere/sftp-server',
    // OpenSSH gives nobody the error output of a subsystem: the status has to do.
    message: /ended with status 127 before SFTP began; it said nothing\.$/,
    advice: /missing on the server.*sshd_config/,
  },
  {
    name: 'a shell such as /bin/false',
    config: 'Subsystem sftp /bin/false',
    message: /ended with status 1 before SFTP began; it said nothing\.$/,
    advice: /nologin, false/,
  },
  {
    name: 'a forced command that prints',
    config: 'ForceCommand echo hello there',
    message: /ended with status 0 before SFTP began; it said: hello there\.$/,
    advice: /forced command \(ForceCommand, command= in authorized_keys\)/,
  },
  {
    name: 'a forced command that refuses',
    config: 'ForceCommand PROGRAM',
    program: 'echo "Only backups here"; echo "Go away"; exit 3',
    message: /ended with status 3 before SFTP began; it said: Only backups here Go away\.$/,
    advice: /forced command/,
  },
  {
    name: 'a forced command that prints and goes on',
    isQuick: true,
    config: 'ForceCommand PROGRAM',
    program: 'echo "Menu: (1) mail"; exec cat > /dev/null',
    message: /sent text where SFTP should begin; it said: Menu: \(1\) mail\.$/,
    advice: /forced command/,
  },
  {
    name: 'a forced command that gives back what it gets',
    config: 'ForceCommand cat',
    message: /./,
    advice: /forced command/,
  },
  {
    name: 'a program that is killed',
    config: 'Subsystem sftp PROGRAM',
    program: 'kill -9 $$',
    message: /was ended by SIGKILL before SFTP began; it said nothing\.$/,
    advice: /forced command/,
  },
  {
    name: 'a shell start-up file that prints',
    isQuick: true,
    config: 'Subsystem sftp /usr/lib/openssh/sftp-server',
    startUp: 'echo "Welcome to this server!"\n',
    message: /sent text where SFTP should begin; it said: Welcome to this server!\.$/,
    advice: /start-up file \(\.bashrc, \.profile and the like\) prints/,
  },
  {
    name: 'an expired password',
    config: 'ForceCommand PROGRAM',
    program: 'echo "Your password has expired."; echo "Password change required but no TTY available."; exit 1',
    message: /it said: Your password has expired\. Password change required but no TTY available\.$/,
    advice: /log in once with ssh/,
  },
  {
    name: 'control characters, and more than anybody wants to read',
    config: 'ForceCommand PROGRAM',
    program: 'printf "\\033[2Jboo"; head -c 100000 /dev/zero | tr "\\0" x; exit 1',
    message: /it said: \\x1b\[2Jboox{100,200}…\.$/,
    advice: /forced command/,
  },
];

describeWithServers(['sshd'], 'a server that begins no SFTP', () => {
  it.each(
    byTier(
      cases.filter(({ isQuick }) => isQuick),
      cases,
    ),
  )('8: $name', async ({ config, program, startUp, message, advice }) => {
    const dir = await tempDirForTest();
    const script = dir.file('program');
    await writeFile(script, `#!/bin/sh\n${program ?? ''}\n`);
    await chmod(script, 0o755);
    const server = await sshdForTest({ config: config.replace('PROGRAM', script).split('\n') });
    if (startUp !== undefined) {
      // Where the test server has sessions begin: see the HOME that it sets.
      await mkdir(join(dirname(server.home), 'login'), { recursive: true });
      await writeFile(join(dirname(server.home), 'login', '.bashrc'), startUp);
    }
    const source = await sourceForTest(1_000_000);
    const run = await mtputJson([source.path], { server, path: 'x.bin' }, [
      '-n',
      '4',
      '-s',
      '64K',
      '--stall-timeout',
      '20s',
    ]);
    const { error } = eventsOf(run, 'result')[0]!;
    expect(error?.message).toMatch(message);
    expect(error?.advice).toMatch(advice);
    expect(error).toMatchObject({ code: 'subsystem-missing', exitCode: 8 });
    expect(run.code).toBe(8);
  });

  it('the message is printed as one sentence of what happened and one of what to do', async () => {
    const server = await sshdForTest({ config: ['Subsystem sftp /nowhere/sftp-server'] });
    const source = await sourceForTest(1000);
    const run = await mtput([source.path], { server, path: 'x.bin' });
    expect(run.code).toBe(8);
    expect(run.stderr).toMatch(
      /ended with status 127 before SFTP began; it said nothing\.\n.*most likely missing on the server/,
    );
  });
});
