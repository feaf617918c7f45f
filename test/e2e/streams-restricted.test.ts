/** Sources whose size says nothing, to servers that refuse some requests: the same as for other files. */
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { sshdForTest } from '../support/for-one-test.ts';
import { eventsOf, mtputJson } from '../support/mtput.ts';

/** Its content holds still while it is sent. */
const SOURCE = '/proc/version';

describeWithServers(['sshd'], 'streams to servers with restrictions', () => {
  it.runIf(existsSync(SOURCE)).each([
    ['-u 0027', ['--no-preserve'], 0, []],
    ['-P stat,lstat,fstat,realpath,opendir,readdir', [], 0, ['not-verified']],
    ['-P rename,posix-rename', [], 4, []],
  ])('%s %j: code %i', async (sftpOptions, more, code, told) => {
    const server = await sshdForTest({ sftpOptions, forceSftp: true });
    const run = await mtputJson([SOURCE], { server, path: 'f' }, more);
    expect(run.code, run.stderr).toBe(code);
    const notices = eventsOf(run, 'notice').filter(({ level }) => level === 'warning');
    expect(notices.map((notice) => notice.code)).toEqual(told);
    expect(await readdir(server.home)).toEqual(code === 0 ? ['f'] : []);
    if (code !== 0) return expect(eventsOf(run, 'result')[0]!.bytesSent).toBe(0);
    expect(await readFile(join(server.home, 'f'), 'utf8')).toBe(await readFile(SOURCE, 'utf8'));
    if (more.length > 0) expect((await stat(join(server.home, 'f'))).mode & 0o777).toBe(0o640);
  });
});
