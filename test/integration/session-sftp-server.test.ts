import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OpenFlag } from '../../src/remotes/sftp/codec/constants.ts';
import { SftpSession } from '../../src/remotes/sftp/session.ts';
import { SftpConnection } from '../../src/remotes/sftp/sftp-connection.ts';
import { ChildStream } from '../../src/remotes/sftp/ssh/child-stream.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { sendWrite } from '../support/send-write.ts';
import { requireServer } from '../support/servers.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { complianceOfRemote } from '../unit/remotes/remote-compliance.ts';

describeWithServers(['sftp-server'], "a session with OpenSSH's sftp-server over pipes", () => {
  let dir: TempDir;
  let child: ChildProcess;
  let session: SftpSession;
  const pathOf = (name: string) => Buffer.from(dir.file(name));

  beforeEach(async () => {
    dir = await makeTempDir('session');
    const started = spawn(requireServer('sftp-server'), [], { cwd: dir.path });
    started.stderr.pipe(process.stderr);
    child = started;
    // Duplex.from takes bytes before they are written, so that the buffers of WRITEs would be used again too early.
    session = await SftpSession.open(new ChildStream(started, () => undefined), { stallTimeoutMs: 10_000 });
  });

  afterEach(async () => {
    await session.close();
    if (child.exitCode === null && child.signalCode === null) {
      child.kill();
      await once(child, 'exit');
    }
    await dir.remove();
  });

  test('writes 1 MiB pipelined, back to front, and reads it back', async () => {
    const content = randomBytes(1024 * 1024);
    const handle = await session.open(pathOf('f'), OpenFlag.read | OpenFlag.write | OpenFlag.create, {
      permissions: 0o600,
    });
    const size = 32 * 1024;
    const writes: Promise<void>[] = [];
    for (let offset = content.length - size; offset >= 0; offset -= size) {
      writes.push(sendWrite(session, handle, content.subarray(offset, offset + size), offset));
    }
    expect(session.inFlight).toBe(32);
    await Promise.all(writes);
    await session.fsync(handle, content.length);
    expect((await readFile(dir.file('f'))).equals(content)).toBe(true);
    expect(await session.fstat(handle)).toMatchObject({ size: content.length, permissions: 0o100600 });

    const reads: Promise<Uint8Array | 'eof'>[] = [];
    for (let offset = 0; offset < content.length; offset += size) reads.push(session.read(handle, offset, size));
    const parts = (await Promise.all(reads)).filter((part) => part !== 'eof');
    expect(Buffer.concat(parts).equals(content)).toBe(true);
    expect(await session.read(handle, content.length, size)).toBe('eof');
    expect(await session.read(handle, content.length - 5, size)).toHaveLength(5);
    await session.closeHandle(handle, content.length);
    expect(await session.lstat(pathOf('f'))).toMatchObject({ size: content.length });
  });

  test('knows the limits, and a request as large as they allow is taken', async () => {
    if (!session.offers('limits@openssh.com')) return; // older than 8.5
    expect(session.limits).toMatchObject({ maxPacketLength: 262144, maxReadLength: 261120, maxWriteLength: 261120 });
    expect(session.limits.maxOpenHandles).toBeGreaterThan(10);
    const handle = await session.open(pathOf('f'), OpenFlag.read | OpenFlag.write | OpenFlag.create);
    const data = randomBytes(session.limits.maxWriteLength);
    await sendWrite(session, handle, data, 0);
    const read = await session.read(handle, 0, session.limits.maxReadLength);
    expect(Buffer.from(read as Uint8Array).equals(data)).toBe(true);
    await session.closeHandle(handle);
  });

  test('renames over an existing file by posix-rename only', async () => {
    await writeFile(dir.file('new'), 'new');
    await writeFile(dir.file('old'), 'old');
    await expect(session.rename(pathOf('new'), pathOf('old'))).rejects.toMatchObject({ status: 4 });
    await session.posixRename(pathOf('new'), pathOf('old'));
    expect(await readFile(dir.file('old'), 'utf8')).toBe('new');
    expect(await session.stat(pathOf('new'))).toBeUndefined();
  });

  test('what is missing, and what is refused', async () => {
    expect(await session.stat(pathOf('nothing'))).toBeUndefined();
    expect(await session.lstat(pathOf('nothing'))).toBeUndefined();
    await expect(session.open(pathOf('nothing'), OpenFlag.read)).rejects.toMatchObject({ status: 2 });
    await expect(session.remove(pathOf('nothing'))).rejects.toMatchObject({ status: 2 });
    await expect(session.closeHandle(Buffer.of(0, 0, 0, 9))).rejects.toMatchObject({ name: 'SftpStatusError' });
    await expect(session.extended('nobody@knows', Buffer.alloc(0))).rejects.toMatchObject({ status: 8 });
  });

  test('attributes, one at a time', async () => {
    await writeFile(dir.file('f'), 'longer');
    const handle = await session.open(pathOf('f'), OpenFlag.write);
    await session.fsetStat(handle, { size: 3 });
    await session.closeHandle(handle);
    await session.setStat(pathOf('f'), { permissions: 0o640 });
    await session.setStat(pathOf('f'), { times: { atimeSeconds: 1, mtimeSeconds: 2_000_000_000 } });
    const found = await stat(dir.file('f'));
    expect(found).toMatchObject({ size: 3, mode: 0o100640, atimeMs: 1000, mtimeMs: 2e12 });
    expect(await session.stat(pathOf('f'))).toMatchObject({
      size: 3,
      permissions: 0o100640,
      times: { atimeSeconds: 1, mtimeSeconds: 2_000_000_000 },
    });
  });

  test('directories, paths that are no UTF-8, the real path, free space', async () => {
    await session.makeDirectory(pathOf('d'));
    const odd = Buffer.concat([pathOf('d/'), Buffer.of(0x61, 0x0a, 0xff)]);
    await session.closeHandle(await session.open(odd, OpenFlag.write | OpenFlag.create));
    const handle = await session.openDirectory(pathOf('d'));
    const names: string[] = [];
    for (let entries = await session.readDirectory(handle); entries !== 'eof'; ) {
      names.push(...entries.map(({ name }) => Buffer.from(name).toString('latin1')));
      entries = await session.readDirectory(handle);
    }
    await session.closeHandle(handle);
    expect(names.sort()).toEqual(['.', '..', 'a\n\xff']);
    expect(await session.realPath(Buffer.from('d/..'))).toEqual(await session.realPath(Buffer.from('.')));
    expect((await session.statVfs(pathOf('d'))).blockSize).toBeGreaterThan(0);
    await session.remove(odd);
    await session.removeDirectory(pathOf('d'));
    expect(await session.stat(pathOf('d'))).toBeUndefined();
  });

  test('1000 requests in flight', async () => {
    await writeFile(dir.file('f'), 'x'.repeat(1000));
    const handle = await session.open(pathOf('f'), OpenFlag.read);
    const reads = Array.from({ length: 1000 }, (_, offset) => session.read(handle, offset, 1));
    expect(session.inFlight).toBe(1000);
    expect((await Promise.all(reads)).every((part) => part.length === 1)).toBe(true);
    expect(session.inFlight).toBe(0);
    await session.closeHandle(handle);
  });

  test('a server that is killed in the middle rejects everything', async () => {
    const handle = await session.open(pathOf('f'), OpenFlag.write | OpenFlag.create);
    child.kill('SIGSTOP');
    const writes = Array.from({ length: 50 }, (_, index) =>
      sendWrite(session, handle, Buffer.alloc(32 * 1024, index), index * 32 * 1024),
    );
    const settled = Promise.allSettled(writes);
    child.kill('SIGKILL');
    for (const result of await settled) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'connection-lost' } });
    }
    expect(await session.closed).toMatchObject({ code: 'connection-lost' });
    expect(session.inFlight).toBe(0);
  });

  describe('as a remote', () => {
    complianceOfRemote(async () => ({
      connection: new SftpConnection(session, session.closed, {
        software: 'sftp-server',
        inFlight: 'auto',
        close: async () => {},
      }),
      directory: dir.path,
      copiesRanges: session.offers('copy-data'),
    }));
  });
});
