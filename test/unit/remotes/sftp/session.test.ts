import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { CopyError } from '../../../../src/errors.ts';
import { encodeLimits, encodeStatVfs } from '../../../../src/remotes/sftp/codec/extensions.ts';
import { encodeReply } from '../../../../src/remotes/sftp/codec/replies.ts';
import { SftpStatusError } from '../../../../src/remotes/sftp/codec/status-error.ts';
import { type SessionOptions, SftpSession } from '../../../../src/remotes/sftp/session.ts';
import { fillWrite, sendWrite } from '../../../support/send-write.ts';
import { ScriptedServer } from './scripted-server.ts';

const path = Buffer.from('f');
const handle = Buffer.of(1, 2, 3, 4);
const options: SessionOptions = { stallTimeoutMs: 30_000 };
const code = (value: string) => expect.objectContaining({ code: value });

async function open(server: ScriptedServer = new ScriptedServer(), more: Partial<SessionOptions> = {}) {
  const session = await SftpSession.open(server.channel, { ...options, ...more });
  return { server, session };
}

/** What a promise came to, without waiting for longer than a few turns of the event loop. */
async function outcome(promise: Promise<unknown>): Promise<unknown> {
  const late = turn()
    .then(turn)
    .then(turn)
    .then(() => 'still open');
  return Promise.race([promise.catch((error: unknown) => error), late]);
}

describe('greeting', () => {
  test('keeps the extensions', async () => {
    const { session } = await open(new ScriptedServer(new Map([['fsync@openssh.com', Buffer.from('1')]])));
    expect([...session.extensions]).toEqual([['fsync@openssh.com', Buffer.from('1')]]);
    expect(session.offers('fsync@openssh.com')).toBe(true);
    expect(session.offers('copy-data')).toBe(false);
  });

  test.each([
    [undefined, 32768],
    ['OpenSSH_8.4', 32768],
    ['mod_sftp', 261120],
    ['mod_sftp/1.3.8', 261120],
  ])('without limits, software %s: %i bytes', async (softwareHint, length) => {
    const { session } = await open(undefined, softwareHint === undefined ? {} : { softwareHint });
    expect(session.limits).toMatchObject({ maxReadLength: length, maxWriteLength: length, maxOpenHandles: undefined });
  });

  test.each([
    ['OpenSSH 9.2', [262144, 261120, 261120, 19995], [261120, 261120, 19995]],
    ['proftpd 1.3.9', [524288, 523264, 523264, 1016], [261120, 261120, 1016]],
    ['nothing said', [0, 0, 0, 0], [32768, 32768, undefined]],
    ['a small packet', [34000, 0, 261120, 1], [32768, 32976, 1]],
  ])('limits of %s', async (_, [packet, read, write, handles], [reads, writes, open1]) => {
    const server = new ScriptedServer(new Map([['limits@openssh.com', Buffer.from('1')]]));
    server.onRequest = ({ id }) => {
      const told = { maxPacketLength: packet!, maxReadLength: read!, maxWriteLength: write!, maxOpenHandles: handles! };
      server.reply({ type: 'extendedReply', id, payload: encodeLimits(told) });
    };
    const { session } = await open(server);
    expect(session.limits).toMatchObject({ maxReadLength: reads, maxWriteLength: writes, maxOpenHandles: open1 });
  });

  test.each([
    ['packets', [1025, 0, 0, 0]],
    ['reads', [0, 1, 0, 0]],
    ['writes', [262144, 261120, 2047, 0]],
  ])('absurdly small %s end the session', async (_, [packet, read, write, handles]) => {
    const server = new ScriptedServer(new Map([['limits@openssh.com', Buffer.from('1')]]));
    server.onRequest = ({ id }) => {
      const told = { maxPacketLength: packet!, maxReadLength: read!, maxWriteLength: write!, maxOpenHandles: handles! };
      server.reply({ type: 'extendedReply', id, payload: encodeLimits(told) });
    };
    await expect(open(server)).rejects.toThrow(code('protocol'));
    expect(server.channel.destroyed).toBe(true);
  });

  test('OpenSSH is asked for its limits before its extensions are known, other servers are not', () => {
    for (const [softwareHint, asked] of [
      ['OpenSSH_9.2p1', 1],
      ['mod_sftp', 0],
    ] as const) {
      const server = new ScriptedServer('silent');
      const opening = open(server, { softwareHint });
      opening.catch(() => {});
      expect(server.requests).toHaveLength(asked);
      server.channel.destroy();
    }
  });

  test('an OpenSSH without that extension only refuses', async () => {
    const server = new ScriptedServer();
    server.onRequest = ({ id }) => server.status(id, 8);
    const { session } = await open(server, { softwareHint: 'OpenSSH_8.4' });
    expect(session.limits.maxWriteLength).toBe(32768);
    await turn();
    expect(session.inFlight).toBe(0);
  });

  test('where limits are offered and refused, the defaults stay', async () => {
    const server = new ScriptedServer(new Map([['limits@openssh.com', Buffer.from('1')]]));
    server.onRequest = ({ id }) => server.status(id, 8);
    expect((await open(server)).session.limits.maxReadLength).toBe(32768);
  });

  test('limits that are cut off end the session', async () => {
    const server = new ScriptedServer(new Map([['limits@openssh.com', Buffer.from('1')]]));
    server.onRequest = ({ id }) => server.reply({ type: 'extendedReply', id, payload: Buffer.alloc(31) });
    await expect(open(server)).rejects.toThrow(code('protocol'));
    expect(server.channel.destroyed).toBe(true);
  });

  test.each([2, 4, 6])('version %i is refused', async (version) => {
    const server = new ScriptedServer('silent');
    const opening = SftpSession.open(server.channel, options);
    server.reply({ type: 'version', version, extensions: new Map() });
    await expect(opening).rejects.toThrow(code('protocol'));
    expect(server.channel.destroyed).toBe(true);
  });

  test.each([
    'Welcome to \u001b[31mbackup\r\n',
    'hi\n',
    'This service allows sftp connections only.\n',
    `\n${'x'.repeat(5000)}`,
  ])('text instead of SFTP is shown: %j', async (text) => {
    const server = new ScriptedServer('silent');
    const opening = SftpSession.open(server.channel, options);
    server.channel.push(text);
    server.channel.push(null);
    const error = (await opening.catch((reason: unknown) => reason)) as CopyError;
    expect(error.code).toBe('protocol');
    expect(error.message).toContain(text.trim().slice(0, 8));
    expect(error.message).not.toMatch(/[\x00-\x1f]/);
    expect(error.message.length).toBeLessThan(260);
    expect(error.advice).toContain('start-up file');
  });

  test('a channel that ends before VERSION names the subsystem', async () => {
    const server = new ScriptedServer('silent');
    const opening = SftpSession.open(server.channel, options);
    server.channel.push(null);
    const error = (await opening.catch((reason: unknown) => reason)) as CopyError;
    expect(error).toMatchObject({ code: 'protocol', scope: 'connection' });
    expect(error.advice).toContain('subsystem');
  });

  test('a channel that is destroyed before VERSION is a lost connection', async () => {
    const server = new ScriptedServer('silent');
    const opening = SftpSession.open(server.channel, options);
    server.channel.destroy(new Error('ECONNRESET'));
    await expect(opening).rejects.toThrow(code('connection-lost'));
    await expect(SftpSession.open(server.channel, options)).rejects.toThrow(code('connection-lost'));
  });

  test('another reply than VERSION ends the session', async () => {
    const server = new ScriptedServer('silent');
    const opening = SftpSession.open(server.channel, options);
    server.status(1);
    await expect(opening).rejects.toThrow(code('protocol'));
  });
});

describe('requests', () => {
  test('replies are matched by id, in any order', async () => {
    const { server, session } = await open();
    const reads = [1, 2, 3].map((offset) => session.read(handle, offset, 10));
    expect(session.inFlight).toBe(3);
    for (const request of server.requests.toReversed()) {
      if (request.type === 'read') server.reply({ type: 'data', id: request.id, data: Buffer.of(request.offset) });
    }
    expect(await Promise.all(reads)).toEqual([Buffer.of(1), Buffer.of(2), Buffer.of(3)]);
    expect(session.inFlight).toBe(0);
  });

  test('each method sends its request and returns the answer of the server', async () => {
    const { server, session } = await open();
    const attributes = { size: 5 };
    const entries = [{ name: path, longName: path, attributes }];
    server.onRequest = ({ id, type }) => {
      if (type === 'open' || type === 'opendir') server.reply({ type: 'handle', id, handle });
      else if (type.endsWith('stat') && !type.endsWith('setstat')) server.reply({ type: 'attributes', id, attributes });
      else if (type === 'readdir' || type === 'realpath' || type === 'readlink') {
        server.reply({ type: 'name', id, entries });
      } else server.status(id);
    };
    const other = Buffer.from('g');
    expect(Buffer.from(await session.open(path, 2))).toEqual(handle);
    await session.closeHandle(handle);
    expect(await session.stat(path)).toEqual(attributes);
    expect(await session.lstat(path)).toEqual(attributes);
    expect(await session.fstat(handle)).toEqual(attributes);
    await session.setStat(path, attributes);
    await session.fsetStat(handle, attributes);
    expect(Buffer.from(await session.realPath(path))).toEqual(path);
    expect(Buffer.from(await session.readLink(path))).toEqual(path);
    await session.rename(path, other);
    await session.posixRename(path, other);
    await session.remove(path);
    await session.makeDirectory(path);
    await session.removeDirectory(path);
    expect(Buffer.from(await session.openDirectory(path))).toEqual(handle);
    expect(await session.readDirectory(handle)).toEqual(entries);
    await session.fsync(handle, 0);
    expect(await session.extended('x@y', Buffer.of(9))).toBeUndefined();
    expect(server.requests).toEqual([
      { type: 'open', id: 1, path, flags: 2, attributes: {} },
      { type: 'close', id: 2, handle },
      { type: 'stat', id: 3, path },
      { type: 'lstat', id: 4, path },
      { type: 'fstat', id: 5, handle },
      { type: 'setstat', id: 6, path, attributes },
      { type: 'fsetstat', id: 7, handle, attributes },
      { type: 'realpath', id: 8, path },
      { type: 'readlink', id: 9, path },
      { type: 'rename', id: 10, oldPath: path, newPath: other },
      { type: 'extended', id: 11, name: 'posix-rename@openssh.com', payload: Buffer.from('\0\0\0\x01f\0\0\0\x01g') },
      { type: 'remove', id: 12, path },
      { type: 'mkdir', id: 13, path, attributes: {} },
      { type: 'rmdir', id: 14, path },
      { type: 'opendir', id: 15, path },
      { type: 'readdir', id: 16, handle },
      { type: 'extended', id: 17, name: 'fsync@openssh.com', payload: Buffer.from([0, 0, 0, 4, 1, 2, 3, 4]) },
      { type: 'extended', id: 18, name: 'x@y', payload: Buffer.of(9) },
    ]);
  });

  test('statvfs', async () => {
    const { server, session } = await open();
    const fields = { blockSize: 1, fragmentSize: 2, blocks: 3, blocksFree: 4, blocksAvailable: 5, files: 6 };
    const rest = { filesFree: 7, filesAvailable: 8, fileSystemId: 9, flags: 0, maxNameLength: 255 };
    server.onRequest = ({ id }) => {
      server.reply({ type: 'extendedReply', id, payload: encodeStatVfs({ ...fields, ...rest }) });
    };
    expect(await session.statVfs(path)).toEqual({ ...fields, ...rest });
  });

  test('a STATUS that reports a failure rejects only that request', async () => {
    const { server, session } = await open();
    server.onRequest = ({ id }) => server.status(id, 4, 'Out of\x1b disk space\n');
    const error = await session.remove(path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SftpStatusError);
    expect(error).toMatchObject({ status: 4, text: 'Out of\\x1b disk space' });
    server.onRequest = ({ id }) => server.status(id);
    await session.remove(path);
  });

  test('a missing file is undefined for stat and lstat, and an error for the others', async () => {
    const { server, session } = await open();
    server.onRequest = ({ id }) => server.status(id, 2);
    expect(await session.stat(path)).toBeUndefined();
    expect(await session.lstat(path)).toBeUndefined();
    await expect(session.fstat(handle)).rejects.toMatchObject({ status: 2 });
    await expect(session.open(path, 1)).rejects.toMatchObject({ status: 2 });
  });

  test('short data is returned as it is; EOF, no data and no names are eof', async () => {
    const { server, session } = await open();
    server.onRequest = ({ id }) => server.reply({ type: 'data', id, data: Buffer.of(1) });
    expect(await session.read(handle, 0, 100)).toEqual(Buffer.of(1));
    server.onRequest = ({ id }) => server.reply({ type: 'data', id, data: Buffer.alloc(0) });
    expect(await session.read(handle, 0, 100)).toBe('eof');
    server.onRequest = ({ id }) => server.status(id, 1);
    expect(await session.read(handle, 0, 100)).toBe('eof');
    expect(await session.readDirectory(handle)).toBe('eof');
    await expect(session.stat(path)).rejects.toMatchObject({ status: 1 });
    server.onRequest = ({ id }) => server.reply({ type: 'name', id, entries: [] });
    expect(await session.readDirectory(handle)).toBe('eof');
  });

  test('a write is filled in place, and its buffers are reused when they were taken', async () => {
    const { server, session } = await open();
    server.onRequest = ({ id }) => server.status(id);
    const request = session.allocateWrite(handle, 5);
    fillWrite(request, Buffer.from('hello'));
    const before = server.writes.length;
    await session.sendWrites([{ request, offset: 0x1_0000_0000 }])[0];
    expect(server.writes).toHaveLength(before + 1);
    expect(server.writes.at(-1)!.buffer).toBe(request.views[0]!.buffer);
    expect(server.requests).toEqual([
      { type: 'write', id: 1, handle, offset: 0x1_0000_0000, data: Buffer.from('hello') },
    ]);
    // The Duplex says that it has taken the packet later in the same turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    expect(session.allocateWrite(handle, 3).views[0]!.buffer).toBe(request.views[0]!.buffer);
  });

  test('a write that is longer than a packet lies in several, and arrives as one', async () => {
    const { server, session } = await open(undefined, { softwareHint: 'mod_sftp/1.3.8' });
    server.onRequest = ({ id }) => server.status(id);
    const data = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
    await sendWrite(session, handle, data, 7);
    expect(server.requests).toEqual([{ type: 'write', id: 1, handle, offset: 7, data }]);
  });

  test('the fitting length of a write leaves no packet half empty', async () => {
    const { session } = await open(undefined, { softwareHint: 'mod_sftp/1.3.8' });
    const header = 25 + handle.length;
    expect(session.fittingWriteLength(handle, 4096)).toBe(4096);
    expect(session.fittingWriteLength(handle, 32_768)).toBe(32_768 - header);
    expect(session.fittingWriteLength(handle, 70_000)).toBe(2 * 32_768 - header);
    expect(session.fittingWriteLength(handle, 1_000_000)).toBe(261_120);
  });

  test('a write that was sent before, or has an absurd offset, is not sent, nor are those with it', async () => {
    const { server, session } = await open();
    expect(() => session.allocateWrite(handle, 32769)).toThrow(code('bug'));
    const request = session.allocateWrite(handle, 4);
    const other = session.allocateWrite(handle, 4);
    const refused = session.sendWrites([
      { request: other, offset: 0 },
      { request, offset: -1 },
    ]);
    for (const answer of refused) await expect(answer).rejects.toThrow(code('protocol'));
    expect(session.inFlight).toBe(0);
    const [first] = session.sendWrites([{ request, offset: 0 }]);
    await expect(session.sendWrites([{ request, offset: 4 }])[0]).rejects.toThrow(code('bug'));
    server.status(server.requests.at(-1)!.id, 4);
    await expect(first).rejects.toThrow(SftpStatusError);
    expect(server.requests).toHaveLength(1);
  });

  test('ids wrap around, and skip those in use', async () => {
    const { server, session } = await open(undefined, { firstId: 0xfffffffe });
    const first = [session.stat(path), session.stat(path), session.stat(path)];
    expect(server.requests.map(({ id }) => id)).toEqual([0xfffffffe, 0xffffffff, 0]);
    for (const { id } of server.requests) server.status(id, 2);
    await Promise.all(first);

    const other = await open(undefined, { firstId: 0xffffffff });
    const kept = other.session.stat(path);
    const second = other.session.stat(path);
    expect(other.server.requests.map(({ id }) => id)).toEqual([0xffffffff, 0]);
    for (const { id } of other.server.requests) other.server.status(id, 2);
    await Promise.all([kept, second]);
  });

  test('more than 4096 requests are a bug, and the session stays usable', async () => {
    const { server, session } = await open();
    const stats = Array.from({ length: 4096 }, () => session.stat(path));
    await expect(session.stat(path)).rejects.toThrow(code('bug'));
    for (const { id } of server.requests) server.status(id, 2);
    await Promise.all(stats);
    expect(session.inFlight).toBe(0);
  });

  test('a request that cannot be encoded rejects', async () => {
    const { session } = await open();
    await expect(session.closeHandle(Buffer.alloc(257))).rejects.toThrow(code('protocol'));
    await expect(session.fsync(Buffer.alloc(257), 0)).rejects.toThrow(code('protocol'));
    await expect(session.read(handle, -1, 1)).rejects.toThrow(code('protocol'));
    expect(session.inFlight).toBe(0);
  });
});

describe('what ends the session', () => {
  const attributes = {};
  const data = Buffer.alloc(11);
  test.each([
    ['a reply to nothing', () => ({ type: 'status', id: 77, status: 0, message: path, language: path }) as const],
    ['more data than asked for', (id: number) => ({ type: 'data', id, data }) as const],
    ['attributes for a read', (id: number) => ({ type: 'attributes', id, attributes }) as const],
    ['a handle for a read', (id: number) => ({ type: 'handle', id, handle }) as const],
    ['a name for a read', (id: number) => ({ type: 'name', id, entries: [] }) as const],
    ['an extended reply to a read', (id: number) => ({ type: 'extendedReply', id, payload: data }) as const],
    ['OK to a read', (id: number) => ({ type: 'status', id, status: 0, message: path, language: path }) as const],
    ['a second VERSION', () => ({ type: 'version', version: 3, extensions: new Map() }) as const],
  ])('%s', async (_, reply) => {
    const { server, session } = await open();
    const pending = [session.read(handle, 0, 10), session.read(handle, 10, 10), session.stat(path)];
    server.reply(reply(server.requests[0]!.id));
    const results = await Promise.allSettled(pending);
    const reason = await session.closed;
    expect(reason).toMatchObject({ code: 'protocol', scope: 'connection', retry: true });
    for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason });
    expect(server.channel.destroyed).toBe(true);
    await expect(session.stat(path)).rejects.toBe(reason);
  });

  test('two paths for one', async () => {
    const { server, session } = await open();
    const entry = { name: path, longName: path, attributes };
    server.onRequest = ({ id }) => server.reply({ type: 'name', id, entries: [entry, entry] });
    await expect(session.realPath(path)).rejects.toThrow(code('protocol'));
  });

  test('a reply that is cut off', async () => {
    const { server, session } = await open();
    const pending = session.read(handle, 0, 10);
    const whole = encodeReply({ type: 'data', id: 1, data: Buffer.alloc(10) });
    whole.writeUInt32BE(11, 9);
    server.channel.push(whole);
    await expect(pending).rejects.toThrow(code('protocol'));
  });

  test.each([
    ['its end', (server: ScriptedServer) => server.channel.push(null), 'connection-lost'],
    ['its close', (server: ScriptedServer) => server.channel.destroy(), 'connection-lost'],
    ['an error', (server: ScriptedServer) => server.channel.destroy(new Error('reset')), 'connection-lost'],
    [
      'a coded error',
      (server: ScriptedServer) => server.channel.destroy(new CopyError('connection-stalled', 'no keepalive')),
      'connection-stalled',
    ],
  ])('the channel: %s', async (_, end, expected) => {
    const { server, session } = await open();
    const pending = [session.stat(path), session.read(handle, 0, 1)];
    end(server);
    for (const result of await Promise.allSettled(pending)) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: expected } });
    }
    expect(await session.closed).toMatchObject({ code: expected });
    await turn();
    expect(listeners(server)).toEqual([]);
  });

  test('the caller', async () => {
    const { server, session } = await open();
    const pending = session.stat(path);
    const reason = new CopyError('cancelled', 'Enough.');
    expect(session.fail(reason)).toBe(reason);
    expect(session.fail(new CopyError('bug', 'Too late.'))).toBe(reason);
    await expect(pending).rejects.toBe(reason);
    expect(await session.closed).toBe(reason);
    await session.close();
    expect(server.channel.destroyed).toBe(true);
  });

  test.each(['a request', 'a write'])('a Duplex that throws when %s is sent', async (what) => {
    const { server, session } = await open();
    const before = session.stat(path);
    server.channel.write = () => {
      throw new Error('Instance unusable');
    };
    const sent = what === 'a write' ? sendWrite(session, handle, Buffer.from('x'), 0) : session.stat(path);
    // Each of them, and nothing that nobody waits for.
    for (const result of await Promise.allSettled([sent, before])) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'connection-lost' } });
    }
    expect(await session.closed).toMatchObject({ code: 'connection-lost' });
    await turn();
  });

  test('closing rejects requests in flight, and removes all listeners', async () => {
    const { server, session } = await open();
    const pending = session.stat(path);
    const refused = expect(pending).rejects.toThrow(code('connection-lost'));
    const closing = session.close();
    expect(session.close()).toBe(closing);
    await closing;
    await refused;
    expect(await session.closed).toBeUndefined();
    await expect(session.stat(path)).rejects.toThrow(code('connection-lost'));
    await turn();
    expect(server.channel.destroyed).toBe(true);
    expect(listeners(server)).toEqual([]);
  });

  test('replies after the end change nothing', async () => {
    const { server, session } = await open();
    const pending = session.stat(path);
    const closing = session.close();
    server.status(1, 2);
    expect(await outcome(pending)).toMatchObject({ code: 'connection-lost' });
    await closing;
  });
});

/** Names of the events somebody still listens to, save those the stream itself needs. */
function listeners({ channel }: ScriptedServer): string[] {
  const own = new ScriptedServer('silent').channel;
  return channel
    .eventNames()
    .map(String)
    .filter((name) => channel.listenerCount(name) > own.listenerCount(name));
}
