import { existsSync } from 'node:fs';
import { chmod, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { isListening } from '../support/ports.ts';
import { run, startProcess } from '../support/process.ts';
import { isAlive } from '../support/process-tree.ts';
import { startProftpd } from '../support/proftpd.ts';
import { startSshd } from '../support/sshd.ts';
import { withTempDir } from '../support/temp-dir.ts';
import type { TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait-for.ts';

const CONTENT = 'what a server keeps\n'.repeat(1000);

/** The system's client, given nothing of the user's: no configuration, no agent, no other keys or hosts. */
function sftpArguments(server: TestServer): string[] {
  const options = [
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile=${server.knownHostsFile}`,
    'GlobalKnownHostsFile=/dev/null',
  ];
  const settings = options.flatMap((option) => ['-o', option]);
  return ['-q', '-F', '/dev/null', '-P', String(server.port), '-i', server.identityFile, ...settings];
}

async function putWithSftp(server: TestServer): Promise<string> {
  return withTempDir(async (dir) => {
    await writeFile(dir.file('source'), CONTENT);
    const input = `put ${dir.file('source')} arrived\nchmod 644 arrived\n`;
    const result = await run('sftp', [...sftpArguments(server), '-b', '-', `${server.user}@${server.host}`], { input });
    expect(result.stderr).toBe('');
    expect(result.code).toBe(0);
    return readFile(join(server.home, 'arrived'), 'utf8');
  });
}

/** A session that is open while the server is stopped. */
async function openSession(server: TestServer): Promise<void> {
  const args = [...sftpArguments(server), `${server.user}@${server.host}`];
  const client = await startProcess('sftp', args, { stdio: ['pipe', 'ignore', 'ignore'] });
  onTestFinished(async () => void (await client.stop('SIGKILL')));
  await waitFor(() => server.sessionPids().length > 0, { what: 'a session' });
}

async function expectNothingLeft(server: TestServer): Promise<void> {
  await openSession(server);
  const pids = [server.pid, ...server.sessionPids()];
  expect(pids.length).toBeGreaterThan(1);
  await server.stop();
  expect(pids.filter((pid) => isAlive({ pid }))).toEqual([]);
  expect(await isListening(server.port)).toBe(false);
  expect(existsSync(server.dir)).toBe(false);
}

/** The paths of the Unix sockets that a process has bound. */
async function unixSocketsOf(pid: number): Promise<string[]> {
  const links = (await readdir(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''));
  const targets = new Set(await Promise.all(links));
  const rows = (await readFile('/proc/net/unix', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/));
  return rows.filter(([, , , , , , inode, path]) => path && targets.has(`socket:[${inode}]`)).map((row) => row[7]!);
}

describeWithServers(['sshd', 'ssh'], 'sshd', () => {
  test('takes a file with its own key and known host, and leaves nothing behind', async () => {
    const server = await startSshd();
    onTestFinished(server.stop);
    expect(await putWithSftp(server)).toBe(CONTENT);
    expect(await server.log()).toContain('Accepted publickey');
    await expectNothingLeft(server);
  });

  test('runs with SFTP alone, other limits and a more talkative log', async () => {
    const server = await startSshd({
      forceSftp: true,
      maxStartups: '2:100:4',
      logLevel: 'DEBUG1',
      hostKeyTypes: ['ecdsa'],
      config: ['ClientAliveInterval 7', 'PermitTTY no'],
    });
    onTestFinished(server.stop);
    expect(await putWithSftp(server)).toBe(CONTENT);
    expect(server.hostKeys).toEqual([expect.stringMatching(/^ecdsa-sha2-nistp256 /)]);
    expect(await server.log()).toContain('debug1:');
  });

  test('kills its sessions and goes on serving', async () => {
    const server = await startSshd();
    onTestFinished(server.stop);
    await openSession(server);
    expect(await server.killSessions()).toBeGreaterThan(0);
    expect(server.sessionPids()).toEqual([]);
    expect(await putWithSftp(server)).toBe(CONTENT);
  });

  test.runIf(process.getuid?.() === 0)('lets another user in, who is no root', async () => {
    const server = await startSshd({ user: 'nobody' });
    onTestFinished(server.stop);
    expect(await putWithSftp(server)).toBe(CONTENT);
    const { uid } = await stat(join(server.home, 'arrived'));
    expect(uid).not.toBe(0);
    await chmod(server.home, 0o555);
    const refused = await run('sftp', [...sftpArguments(server), '-b', '-', `nobody@${server.host}`], {
      input: 'mkdir refused\n',
    });
    expect(refused.stderr).toContain('Permission denied');
  });
});

describeWithServers(['proftpd', 'ssh'], 'proftpd', () => {
  test('takes a file with its own key and known host, and leaves nothing behind', async () => {
    const server = await startProftpd();
    onTestFinished(server.stop);
    expect(await putWithSftp(server)).toBe(CONTENT);
    await expectNothingLeft(server);
  });

  test('obeys directives of the test', async () => {
    const server = await startProftpd({ directives: ['AllowOverwrite off', 'SFTPExtensions -checkFile'] });
    onTestFinished(server.stop);
    expect(await putWithSftp(server)).toBe(CONTENT);
    const again = await run('sftp', [...sftpArguments(server), '-b', '-', `${server.user}@${server.host}`], {
      input: `put ${server.identityFile}.pub arrived\n`,
    });
    expect(again.stderr).toContain('Permission denied');
  });

  test.runIf(process.platform === 'linux')(
    'listens on its port alone, not on the control socket of the machine',
    async () => {
      const server = await startProftpd();
      onTestFinished(server.stop);
      expect(await unixSocketsOf(server.pid)).toEqual([]);
    },
  );

  test('says what it does not understand', async () => {
    await expect(startProftpd({ directives: ['NoSuchDirective on'] })).rejects.toThrow('NoSuchDirective');
  });
});
