import { expect, test, vi } from 'vitest';
import { StatusCode } from '../../../../src/remotes/sftp/codec/constants.ts';
import { SftpStatusError } from '../../../../src/remotes/sftp/codec/status-error.ts';
import { SftpConnection } from '../../../../src/remotes/sftp/sftp-connection.ts';
import { deferred } from '../../../../src/util/deferred.ts';
import { type Quirks, StandInSftpServer } from '../../../support/stand-in-sftp-server.ts';
import { fillWith, OrderedFill, Sink, slicesOf, sourceBytes } from './staging.ts';

const source = sourceBytes(700_000);
const fill = fillWith(source);
const target = Buffer.from('/home/f');
const whole = { offset: 0, length: source.length };

async function staged(quirks: Partial<Quirks> = {}, before: (server: StandInSftpServer) => void = () => {}) {
  const server = new StandInSftpServer(quirks);
  before(server);
  const session = await server.session();
  const connection = new SftpConnection(session, session.closed, {
    software: '',
    inFlight: 'auto',
    close: async () => {},
  });
  const file = await connection.stage(target, 'new');
  return { server, session, connection, file, partial: String(file.token['partial']) };
}

test('is beside its target, empty, unreadable for others, and has a unique name', async () => {
  const { server, connection, file, partial } = await staged();
  expect(partial).toMatch(/^\/home\/\.f\.[0-9a-f]{16}\.mtpart$/);
  expect(server.disk.get(partial)).toMatchObject({ bytes: Buffer.alloc(0), mode: 0o600 });
  expect(file.found).toBeUndefined();
  expect(file.token).toMatchObject({ target: '/home/f', partial });
  const { token } = await connection.stage(target, 'new');
  expect(token['partial']).not.toBe(partial);
});

test('writes slices, acknowledges each byte once, and allows several calls at a time', async () => {
  const { server, file, partial } = await staged();
  const acknowledged: { offset: number; length: number }[] = [];
  const note = (part: { offset: number; length: number }) => void acknowledged.push(part);
  await Promise.all([
    file.write(slicesOf({ offset: 0, length: 400_000 }), fill, note),
    file.write(slicesOf({ offset: 400_000, length: 300_000 }), fill, note),
  ]);
  expect(server.read(partial)?.equals(source)).toBe(true);
  acknowledged.sort((a, b) => a.offset - b.offset);
  let next = 0;
  for (const { offset, length } of acknowledged) {
    expect(offset).toBe(next);
    next += length;
  }
  expect(next).toBe(source.length);
});

test('of a copied range, only what the other file has counts as written', async () => {
  const { server, session, file } = await staged({ copyData: true }, (one) => void one.put('/home/old', '0123'));
  const closeHandle = vi.spyOn(session, 'closeHandle');
  expect(await file.copyRange(Buffer.from('/home/old'), { offset: 1, length: 100 })).toBe(true);
  expect(await file.copyRange(Buffer.from('/home/old'), { offset: 50, length: 100 })).toBe(true);
  await file.close();
  // The number of bytes decides how long the server may take to close the file.
  expect(closeHandle.mock.lastCall?.[1]).toBe(3);
  expect(server.asked.filter((what) => what === 'copy-data').length).toBe(1);
});

test('the source is read in order, one part at a time', async () => {
  const { file } = await staged();
  const ordered = new OrderedFill(source);
  await file.write(slicesOf(whole), ordered.fill, () => {});
  expect(ordered.offsets.length).toBeGreaterThan(1);
  expect(ordered.offsets).toEqual(ordered.offsets.toSorted((a, b) => a - b));
  expect(ordered.mostAtOnce).toBe(1);
});

test('a full disk is the failure of the write, and nothing is acknowledged that was refused', async () => {
  const { server, file, partial } = await staged({ fullAt: 300_000 });
  let acknowledged = 0;
  const write = file.write(slicesOf(whole), fill, ({ length }) => {
    acknowledged += length;
  });
  await expect(write).rejects.toMatchObject({ code: 'no-space', exitCode: 4 });
  expect(acknowledged).toBeLessThanOrEqual(server.read(partial)!.length);
});

test('the failure of the source is the failure of the write; the connection goes on', async () => {
  const { file } = await staged();
  const broken = new Error('disk gone');
  await expect(
    file.write(
      slicesOf(whole),
      () => Promise.reject(broken),
      () => {},
    ),
  ).rejects.toMatchObject({
    message: 'disk gone',
  });
  await file.write(slicesOf(whole), fill, () => {});
  expect((await file.seal({ size: source.length })).size).toBe(source.length);
});

test('a failure of the slices is the failure of the write', async () => {
  const { file } = await staged();
  const slices = { take: () => Promise.reject(new Error('no more')) };
  await expect(file.write(slices, fill, () => {})).rejects.toMatchObject({ message: 'no more' });
});

test('joined from another connection, both write one file', async () => {
  const { server, connection, file } = await staged();
  const other = await (await server.connection()).join(structuredClone(file.token));
  await Promise.all([
    file.write(slicesOf({ offset: 0, length: 350_000 }), fill, () => {}),
    other.write(slicesOf({ offset: 350_000, length: 350_000 }), fill, () => {}),
  ]);
  await other.close();
  const seal = await file.seal({ size: source.length });
  await connection.publish(file.token, seal);
  expect(server.read('/home/f')?.equals(source)).toBe(true);
});

test.each([{ privateTemporary: true }, { refusesSecondOpen: true }])(
  'a second one that is not let in: %j',
  async (quirks) => {
    const { server, file } = await staged(quirks);
    await expect((await server.connection()).join(file.token)).rejects.toMatchObject({ code: 'single-writer' });
  },
);

test('is read back by any connection while it is written, through handles that are closed afterwards', async () => {
  const { server, connection, file } = await staged();
  await file.write(slicesOf({ offset: 0, length: 400_000 }), fill, () => {});
  const other = await (await server.connection()).join(file.token);
  expect(server.openHandles).toBe(2);
  const sink = new Sink(400_000);
  let mostOpen = 0;
  const drain: typeof sink.drain = (views, offset) => {
    mostOpen = Math.max(mostOpen, server.openHandles);
    return sink.drain(views, offset);
  };
  await Promise.all([
    file.write(slicesOf({ offset: 400_000, length: 300_000 }), fill, () => {}),
    other.readBack(slicesOf({ offset: 0, length: 150_000 }), drain),
    other.readBack(slicesOf({ offset: 150_000, length: 100_000 }), drain),
    file.readBack(slicesOf({ offset: 250_000, length: 150_000 }), drain),
  ]);
  expect(sink.bytes.equals(source.subarray(0, 400_000))).toBe(true);
  expect(mostOpen, 'a handle for each call').toBeLessThanOrEqual(5);
  expect(mostOpen).toBeGreaterThan(2);
  expect(server.openHandles).toBe(2);
  await other.close();
  const seal = await file.seal({ size: source.length });
  await connection.publish(file.token, seal);
  expect(server.read('/home/f')?.equals(source)).toBe(true);
});

test('an early end while reading back is a loss on the server, not a change of the source', async () => {
  const { server, file } = await staged();
  await file.write(slicesOf({ offset: 0, length: 1000 }), fill, () => {});
  const read = file.readBack(slicesOf({ offset: 0, length: 1001 }), new Sink(2000).drain);
  await expect(read).rejects.toMatchObject({ code: 'integrity', exitCode: 9 });
  expect(server.openHandles).toBe(1);
});

test('a server that refuses reading accepts writes', async () => {
  const { server, file } = await staged({ refusesReading: true });
  await file.write(slicesOf(whole), fill, () => {});
  const reads = [0, 1].map(() => file.readBack(slicesOf(whole), new Sink(source.length).drain));
  for (const read of reads) await expect(read).rejects.toMatchObject({ code: 'destination-permission' });
  expect((await file.seal({ size: source.length })).size).toBe(source.length);
  expect(server.openHandles).toBe(0);
});

test('closed while it is read back: the read fails, and no handle is left', async () => {
  const { server, file } = await staged();
  await file.write(slicesOf(whole), fill, () => {});
  const sink = new Sink(source.length);
  const reading = file.readBack(slicesOf(whole), sink.drain);
  const outcome = expect(reading).rejects.toMatchObject({ code: 'bug' });
  await file.close();
  await outcome;
  expect(server.openHandles).toBe(0);
  expect(sink.total).toBeLessThan(source.length);
  expect(server.asked.lastIndexOf('read')).toBeLessThan(server.asked.lastIndexOf('close'));
});

test('sealed: size, mode and time are set, it is synced and closed, in this order', async () => {
  const { server, file, partial } = await staged();
  await file.write(slicesOf(whole), fill, () => {});
  server.asked.length = 0;
  const seal = await file.seal({ size: source.length, mode: 0o6755, mtimeMs: 1_700_000_000_789 });
  expect(seal).toEqual({ size: source.length, mtimeMs: 1_700_000_000_000, warnings: [] });
  // Setuid and setgid are never set.
  expect(server.disk.get(partial)).toMatchObject({ mode: 0o755, mtimeSeconds: 1_700_000_000 });
  const { asked } = server;
  expect(asked.indexOf('fsync@openssh.com')).toBeGreaterThan(-1);
  expect(asked.at(-1)).toBe('close');
  expect(server.openHandles).toBe(0);
});

async function written() {
  const all = await staged();
  await all.file.write(slicesOf(whole), fill, () => {});
  return all;
}

test.each([
  [0o644, true],
  [0o600, true],
  [undefined, true],
  [0o444, false],
  [0o664, false],
  [0o602, false],
])('of mode %o all is asked for at once, unless another run could not go on with it: %s', async (mode, isAtOnce) => {
  const { server, session, file, partial } = await written();
  const synced = deferred<number>();
  vi.spyOn(session, 'fsync').mockReturnValue(synced.promise);
  const set = vi.spyOn(session, 'fsetStat');
  const sealing = file.seal({
    size: source.length,
    mtimeMs: 1_700_000_000_000,
    ...(mode !== undefined && { mode }),
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(set.mock.calls.length > 0).toBe(isAtOnce);
  synced.resolve(1);
  expect((await sealing).warnings).toEqual([]);
  expect(server.disk.get(partial)).toMatchObject({ mode: mode ?? 0o644, mtimeSeconds: 1_700_000_000 });
});

test('a file that cannot be synced is not sealed', async () => {
  const { server, session, file } = await written();
  const refused = new SftpStatusError(StatusCode.failure, 'Input/output error');
  vi.spyOn(session, 'fsync').mockRejectedValue(refused);
  const sealing = file.seal({ size: source.length, mode: 0o644 });
  await expect(sealing).rejects.toMatchObject({ code: 'destination-refused', exitCode: 4 });
  expect(server.openHandles).toBe(1);
});

test('without a given mode it gets the one that the server gives to new files, found out once per directory', async () => {
  const { server, connection } = await staged();
  const opened = (): number => server.asked.filter((type) => type === 'open').length;
  const before = opened();
  for (const name of ['a', 'b', 'c']) {
    const file = await connection.stage(Buffer.from(`/home/${name}`), 'new');
    const { warnings } = await file.seal({ size: 0 });
    expect(warnings).toEqual([]);
    expect(server.disk.get(String(file.token['partial']))?.mode).toBe(0o644);
  }
  expect(opened() - before).toBe(4);
  const elsewhere = await connection.stage(Buffer.from('/other/a'), 'new');
  await elsewhere.seal({ size: 0 });
  expect(opened() - before).toBe(6);
});

test('the file that shows the mode is named where it cannot be removed', async () => {
  const { server, file, partial } = await staged({ refuseRemove: () => true });
  const { warnings } = await file.seal({ size: 0 });
  const [left] = server.paths.filter((path) => path !== partial);
  expect(warnings).toEqual([`${left} is empty, and the server refuses to remove it`]);
});

test.each([StatusCode.permissionDenied, StatusCode.unsupported])(
  'a server that refuses to create a file with a mode (%i): it has the one of the server, which is told',
  async (status) => {
    const { server, connection, file } = await staged({ refuseOpenMode: status });
    expect(server.paths).toHaveLength(1);
    expect(server.disk.get(server.paths[0]!)?.mode).toBe(0o644);
    expect(file.warnings).toEqual([expect.stringMatching(/others may read .*0644\)$/)]);
    const { warnings } = await file.seal({ size: 0 });
    expect(warnings).toEqual([]);
    // The journal keeps its token.
    const reopened = await connection.reopen(structuredClone(file.token));
    expect(reopened?.found).toMatchObject({ size: 0, mode: 0o644 });
    server.disk.get(server.paths[0]!)!.mode = 0o666;
    expect(await connection.reopen(structuredClone(file.token))).toBeDefined();
  },
);

test('a server that creates files with a mode and sets none later: it has the one of the server, which is told', async () => {
  const { server, connection, file } = await staged({ refuseMode: true });
  expect(server.paths).toHaveLength(1);
  expect(server.disk.get(server.paths[0]!)?.mode).toBe(0o644);
  expect(file.warnings).toEqual([expect.stringMatching(/others may read .*0644\)$/)]);
  expect((await file.seal({ size: 0, mode: 0o640 })).warnings).toEqual([
    expect.stringMatching(/mode bits.*stay 0644$/),
  ]);
  // It is found out once.
  server.asked.length = 0;
  const other = await connection.stage(Buffer.from('/home/other'), 'new');
  expect(server.asked).not.toContain('setstat');
  expect(server.asked).not.toContain('fsetstat');
  expect((await other.seal({ size: 0 })).warnings).toEqual([]);
  // What the server copies for another run is treated in the same way.
  expect(connection.drawStage(Buffer.from('/home/other')).token).toMatchObject({ hasServerMode: true });
});

test('attributes that are refused are warnings, not failures', async () => {
  const { file } = await staged({ refuseMode: true, refuseTimes: true });
  await file.write(slicesOf(whole), fill, () => {});
  const { warnings } = await file.seal({ size: source.length, mode: 0o640, mtimeMs: 1_700_000_000_000 });
  expect(warnings).toHaveLength(2);
  expect([...warnings].sort().join()).toMatch(/mode bits.*No modes here.*0644.*times.*No times here/);
});

test.each([-5000, 2 ** 32 * 1000])('a time that the protocol cannot tell (%i) is a warning', async (mtimeMs) => {
  const { file } = await staged();
  const { warnings } = await file.seal({ size: 0, mtimeMs });
  expect(warnings).toEqual([expect.stringContaining('time')]);
});

test('times that are silently ignored are a warning, and the seal has the actual time', async () => {
  const { server, file, partial } = await staged({ ignoresTimes: true });
  await file.write(slicesOf(whole), fill, () => {});
  const { warnings, mtimeMs } = await file.seal({ size: source.length, mtimeMs: 1_700_000_000_000 });
  expect(warnings).toEqual([expect.stringMatching(/ignores the time/)]);
  expect(mtimeMs).toBe(server.disk.get(partial)!.mtimeSeconds * 1000);
});

test('the time for syncing and closing depends on the whole file, whichever connection wrote it', async () => {
  const { server, session, file } = await staged();
  const other = await (await server.connection()).join(file.token);
  await other.write(slicesOf(whole), fill, () => {});
  const [fsync, closeHandle] = [vi.spyOn(session, 'fsync'), vi.spyOn(session, 'closeHandle')];
  await file.seal({ size: source.length, mode: 0o600 });
  expect(fsync.mock.calls).toEqual([[expect.anything(), source.length]]);
  expect(closeHandle.mock.calls).toEqual([[expect.anything(), source.length]]);
});

test('without fsync it is sealed with a warning', async () => {
  const { server, file } = await staged({ fsync: false });
  await file.write(slicesOf(whole), fill, () => {});
  const { warnings } = await file.seal({ size: source.length });
  expect(warnings).toEqual([expect.stringMatching(/cannot be asked to sync it to its disk/)]);
  expect(await (await staged({ fsync: false })).file.sync()).toBe(false);
  expect(server.asked).not.toContain('fsync@openssh.com');
});

test('a close that fails is a failure, because some servers report only then that they could not store the file', async () => {
  const { file } = await staged({ refuseClose: true });
  await file.write(slicesOf(whole), fill, () => {});
  await expect(file.seal({ size: source.length })).rejects.toMatchObject({ code: 'no-space' });
});

test('a file that is not as long as it should be is never sealed', async () => {
  const { file } = await staged({ sizeLie: 1 });
  await file.write(slicesOf(whole), fill, () => {});
  await expect(file.seal({ size: source.length })).rejects.toMatchObject({ exitCode: 9 });
});

test.each([
  [false, { reason: { code: 'no-space', exitCode: 4 } }],
  [true, { value: { size: source.length } }],
])(
  'on a disk that has become full it is sealed only if its contents were verified: %s',
  async (isVerified, outcome) => {
    const { file } = await staged({ freeBytes: 100_000 });
    await file.write(slicesOf(whole), fill, () => {});
    const [sealed] = await Promise.allSettled([file.seal({ size: source.length, isVerified })]);
    expect(sealed).toMatchObject(outcome);
  },
);

test('a file that is longer than its final size is cut', async () => {
  const server = new StandInSftpServer();
  server.put('/home/f', Buffer.alloc(source.length + 5000, 'x'));
  const connection = await server.connection();
  const file = await connection.stage(target, 'in-place');
  expect(file.found?.size).toBe(source.length + 5000);
  await file.write(slicesOf(whole), fill, () => {});
  await file.seal({ size: source.length });
  expect(server.read('/home/f')?.equals(source)).toBe(true);
});

test('closing twice sends one request', async () => {
  const { server, file } = await staged();
  await file.close();
  await file.close();
  expect(server.asked.filter((type) => type === 'close')).toHaveLength(1);
});

test('an OpenSSH server is known to allow many writers, any other server is probed', async () => {
  const server = new StandInSftpServer();
  expect((await server.connection('OpenSSH_9.2')).abilities.writers, 'another server behind its sshd').toBe('unknown');
  expect((await server.connection('mod_sftp/1.3.8')).abilities.writers).toBe('unknown');
});

test.each([
  [[], 'unknown'],
  [['lsetstat@openssh.com'], 'many'],
] as const)('one that calls itself OpenSSH and offers what proftpd does, and %j: %s', async (more, writers) => {
  const proftpd = ['statvfs@openssh.com', 'fstatvfs@openssh.com', 'hardlink@openssh.com'];
  const server = new StandInSftpServer({ alsoOffers: [...proftpd, ...more] });
  expect((await server.connection('OpenSSH_5.3')).abilities.writers).toBe(writers);
});
