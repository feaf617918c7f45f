/** What real servers allow is found out, and what stands there is as before. */
import { chmod, chown, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Situation } from '../../src/remotes/remote.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { proftpdForTest, sshdForTest } from '../support/for-one-test.ts';
import { standOldTarget } from '../support/old-target.ts';
import { sftpRemoteTo } from '../support/sftp-remote-to.ts';
import type { TestServer } from '../support/test-server.ts';

const UID = 20_001;
const all = { creates: true, writes: true, renames: true, removes: true };

/** Of an old file that the account owns; the directory has nothing else, before and after. */
async function examine(server: TestServer, uid: number, mode = 0o644): Promise<Situation> {
  const path = join(server.home, 'f');
  await standOldTarget(path);
  await chown(path, uid, uid);
  await chmod(path, mode);
  const old = await standOldTarget(path);
  const connection = await sftpRemoteTo(server).connect(1, new AbortController().signal, () => {});
  onTestFinished(() => connection.close());
  const situation = await connection.examine(Buffer.from('f'), undefined, true);
  await old.expectUntouched();
  return situation;
}

async function expectNothingLeft(server: TestServer): Promise<void> {
  expect(await readdir(server.home)).toEqual(['f']);
}

describeWithServers(['sshd'], 'the situation on sshd', () => {
  it.each([
    [[], all],
    [['rename,posix-rename'], { ...all, renames: false }],
    [['write'], { ...all, writes: false }],
    [['open,statvfs'], { creates: false }],
  ])('%s refused', async (requests, trial) => {
    const server = await sshdForTest({ sftpOptions: requests.map((names) => `-P ${names}`).join('') });
    const situation = await examine(server, 0);
    expect(situation.trial).toMatchObject(trial);
    expect(situation.isTargetWritable).toBe(trial.creates);
    expect(situation.space === undefined).toBe(requests[0]?.includes('statvfs') ?? false);
    await expectNothingLeft(server);
  });
});

describeWithServers(['proftpd'], 'the situation on proftpd', () => {
  it.each<[string, string, object, number, boolean | undefined]>([
    ['nothing refused', '', all, 0o644, true],
    ['an old file that may only be read', '', all, 0o444, false],
    ['no renames', '<Limit RNFR RNTO>\n  DenyAll\n</Limit>', { ...all, renames: false }, 0o644, true],
    ['no old file is overwritten', 'AllowOverwrite off', { creates: true, writes: true }, 0o644, false],
    ['hidden files in the place of new ones', 'HiddenStores on', { creates: true }, 0o644, false],
    ['nothing is stored', '<Limit STOR>\n  DenyAll\n</Limit>', { creates: false }, 0o644, false],
  ])('%s', async (_name, directive, trial, mode, isTargetWritable) => {
    const server = await proftpdForTest(...(directive === '' ? [] : [directive]));
    const situation = await examine(server, UID, mode);
    expect(situation.trial).toMatchObject(trial);
    expect(situation.isTargetWritable).toBe(isTargetWritable);
    expect(situation.space).toMatchObject({ isReadOnly: false });
    await expectNothingLeft(server);
  });

  it('a directory that takes no files', async () => {
    const server = await proftpdForTest();
    const directory = join(server.home, 'd');
    await mkdir(directory);
    await standOldTarget(join(directory, 'f'));
    await chmod(join(directory, 'f'), 0o666);
    const connection = await sftpRemoteTo(server).connect(1, new AbortController().signal, () => {});
    onTestFinished(() => connection.close());
    const situation = await connection.examine(Buffer.from('d/f'), undefined, true);
    expect(situation).toMatchObject({ trial: { creates: false }, isTargetWritable: true });
    await rm(directory, { recursive: true });
  });
});
