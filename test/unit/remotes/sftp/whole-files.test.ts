/** Small files that are staged and read as a whole: what is sent together, and what happens where something fails. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { StatusCode } from '../../../../src/remotes/sftp/codec/constants.ts';
import { SMALL_REQUEST } from '../../../../src/remotes/sftp/flow-window.ts';
import { SftpSession } from '../../../../src/remotes/sftp/session.ts';
import { SftpConnection } from '../../../../src/remotes/sftp/sftp-connection.ts';
import { RoundTrips } from '../../../support/round-trips.ts';
import { type Quirks, StandInSftpServer } from '../../../support/stand-in-sftp-server.ts';
import { sourceBytes } from './staging.ts';

const KIB = 1024;
const IN_ORDER = 'mod_sftp/1.3.8';
const target = Buffer.from('/home/f');
const source = sourceBytes(256 * KIB);
const seconds = 1_600_000_000;

interface Scene {
  readonly server: StandInSftpServer;
  readonly trips: RoundTrips;
  readonly connection: SftpConnection;
}

async function scene(
  quirks: Partial<Quirks> = {},
  software = IN_ORDER,
  inFlight: number | 'auto' = 64,
): Promise<Scene> {
  const server = new StandInSftpServer(quirks);
  server.put('/home', '', { kind: 'directory', mode: 0o755 });
  const trips = new RoundTrips(server.channel());
  const session = await SftpSession.open(trips.channel, { stallTimeoutMs: 10_000, softwareHint: software });
  const connection = new SftpConnection(session, session.closed, { software, inFlight, close: async () => {} });
  onTestFinished(() => connection.close());
  trips.count = 0;
  server.asked.length = 0;
  return { server, trips, connection };
}

function stage({ connection }: Scene, bytes: Buffer = source, mode = 0o644) {
  const final = { size: bytes.length, mode, mtimeMs: seconds * 1000, syncs: true };
  return connection.stageWhole(target, bytes, final);
}

/** What was asked, each kind once. */
function kinds({ server }: Scene): string[] {
  return [...new Set(server.asked)];
}

describe('a file that is staged as a whole', () => {
  test.each([0, 1, 4 * KIB, 256 * KIB])(
    'of %d bytes takes two round trips, and two more to be committed',
    async (size) => {
      const at = await scene();
      const { token, seal, syncMs } = await stage(at, source.subarray(0, size), 0o444);
      expect(at.trips.count).toBe(2);
      const writes = size === 0 ? [] : ['write'];
      const sent = ['open', 'setstat', ...writes, 'fsync@openssh.com', 'fsetstat', 'fstat', 'close'];
      expect(kinds(at)).toEqual(sent);
      expect(seal).toEqual({ size, mtimeMs: seconds * 1000, warnings: [] });
      expect(syncMs === undefined).toBe(size === 0);
      await at.connection.publish(token, seal, { replaces: 'nothing' });
      expect(at.trips.count).toBe(4);
      expect(at.server.disk.get('/home/f')).toMatchObject({ mode: 0o444, mtimeSeconds: seconds });
      expect(at.server.read('/home/f')?.equals(source.subarray(0, size))).toBe(true);
    },
  );

  test('takes two round trips together with 50 others', async () => {
    const at = await scene();
    await Promise.all(Array.from({ length: 51 }, () => stage(at, source.subarray(0, 1000))));
    expect(at.trips.count).toBe(2);
    expect(at.server.openHandles).toBe(0);
  });

  test('waits for room where the window is small, which many together do not overfill', async () => {
    const at = await scene({}, IN_ORDER, 2);
    await Promise.all(Array.from({ length: 10 }, () => stage(at, source.subarray(0, 64 * KIB))));
    const staged = at.server.paths.filter((path) => path.endsWith('.mtpart'));
    expect(staged).toHaveLength(10);
    for (const path of staged) expect(at.server.read(path)?.equals(source.subarray(0, 64 * KIB))).toBe(true);
    expect(at.trips.count).toBeGreaterThan(10);
    // Requests without data are not counted by the window.
    expect(at.trips.mostBytes).toBeLessThan(2 * SMALL_REQUEST + 10 * 300);
  });

  test('is not synced and looked at before the writes where the order of requests is unknown', async () => {
    const at = await scene({}, 'unknown');
    await stage(at);
    expect(at.trips.count).toBe(3);
  });

  test.each<[string, Partial<Quirks>, object]>([
    ['a full disk', { fullAt: 100 * KIB }, { code: 'no-space' }],
    ['a write that is cut short', { shortWriteAt: 1000, quotaBytes: 1000 }, { scope: 'file' }],
    ['a size that is wrong', { sizeLie: 1 }, { code: 'integrity' }],
    [
      'a write that is cut short in the middle, with a full disk',
      { shortWriteAt: 5000, freeBytes: 10 },
      { code: 'no-space' },
    ],
    ['a CLOSE that fails', { refuseClose: true }, { code: 'no-space' }],
  ])('%s is a failure that leaves nothing', async (_, quirks, failure) => {
    const at = await scene(quirks);
    await expect(stage(at)).rejects.toMatchObject(failure);
    expect(at.server.paths).toEqual(['/home']);
    expect(at.server.openHandles).toBe(0);
    await at.connection.ping();
  });

  test('the failure is told also where the file cannot be removed', async () => {
    const at = await scene({ fullAt: 10, refuseRemove: () => true });
    await expect(stage(at)).rejects.toMatchObject({ code: 'no-space' });
    expect(at.server.openHandles).toBe(0);
  });

  test.each<[string, Partial<Quirks>, RegExp[]]>([
    ['modes', { refuseMode: true }, [/others may read/]],
    ['OPEN with a mode', { refuseMode: true, refuseOpenMode: StatusCode.permissionDenied }, [/others may read/]],
    ['times', { refuseTimes: true }, [/refused to set its times/]],
    ['fsync', { fsync: false }, [/cannot be asked to sync/]],
    ['FSTAT', { refusesFstat: true }, []],
  ])('works without %s, and says what is missing', async (_, quirks, warnings) => {
    const at = await scene(quirks);
    const { token, seal } = await stage(at);
    expect(seal.warnings).toEqual(warnings.map((one) => expect.stringMatching(one)));
    expect(seal.size).toBe(source.length);
    await at.connection.publish(token, seal, { replaces: 'nothing' });
    expect(at.server.read('/home/f')?.equals(source)).toBe(true);
    expect(at.server.paths).toEqual(['/home', '/home/f']);
  });

  test('rejects with the loss of the connection', async () => {
    const at = await scene({ leavesUnanswered: ['fstat'] });
    const staging = stage(at);
    setTimeout(() => void at.connection.close(), 100);
    await expect(staging).rejects.toMatchObject({ scope: 'connection' });
  });
});

describe('a file that is read as a whole', () => {
  function read({ server, connection }: Scene, size = source.length, bytes: Buffer = source) {
    server.put('/home/f', bytes);
    return connection.readWhole(target, size);
  }

  test.each([0, 1, 4 * KIB, 256 * KIB])('of %d bytes takes two round trips', async (size) => {
    const at = await scene();
    const { bytes, attributes } = await read(at, size, source.subarray(0, size));
    expect(at.trips.count).toBe(2);
    expect(bytes.equals(source.subarray(0, size))).toBe(true);
    expect(attributes).toMatchObject({ kind: 'file', size, mtimeMs: 1_000_000 });
    await at.connection.ping();
    expect(kinds(at).sort()).toEqual(['close', 'fstat', 'lstat', 'open', 'read']);
    expect(at.server.openHandles).toBe(0);
  });

  test('takes two round trips together with 50 others', async () => {
    const at = await scene();
    at.server.put('/home/f', source.subarray(0, 1000));
    await Promise.all(Array.from({ length: 51 }, () => at.connection.readWhole(target, 1000)));
    expect(at.trips.count).toBe(2);
  });

  test('where the window is small, it waits', async () => {
    const at = await scene({}, IN_ORDER, 2);
    at.server.put('/home/f', source);
    const all = await Promise.all(Array.from({ length: 5 }, () => at.connection.readWhole(target, source.length)));
    for (const { bytes } of all) expect(bytes.equals(source)).toBe(true);
    expect(at.trips.count).toBeGreaterThan(10);
  });

  test('is looked at again where answers were short', async () => {
    const at = await scene({ longestRead: 3000 });
    expect((await read(at, 8000, source.subarray(0, 8000))).bytes.equals(source.subarray(0, 8000))).toBe(true);
    expect(at.server.asked.filter((type) => type === 'fstat')).toHaveLength(3);
    at.server.quirks.beforeRead = (offset) => {
      if (offset === 6000) at.server.disk.get('/home/f')!.mtimeSeconds++;
    };
    await expect(read(at, 8000, source.subarray(0, 8000))).rejects.toMatchObject({ code: 'source-changed' });
  });

  test.each([IN_ORDER, 'unknown'])('a change while it is read is noticed by %s', async (software) => {
    const at = await scene({}, software);
    at.server.quirks.beforeRead = () => {
      at.server.disk.get('/home/f')!.mtimeSeconds++;
    };
    await expect(read(at)).rejects.toMatchObject({ code: 'source-changed' });
    await at.connection.ping();
    expect(at.server.openHandles).toBe(0);
  });

  test('that ends elsewhere than where the server says is told so', async () => {
    const at = await scene({ sizeLie: 10 });
    const reading = read(at, 90, source.subarray(0, 100));
    await expect(reading).rejects.toMatchObject({ code: 'source-changed', advice: /does not know its size/ });
  });

  test('a server that refuses FSTAT is asked by path; one that refuses reading is told', async () => {
    const at = await scene({ refusesFstat: true });
    expect((await read(at)).attributes.size).toBe(source.length);
    at.server.quirks.refusesReading = true;
    await expect(read(at)).rejects.toMatchObject({ code: 'source-unreadable' });
  });
});

describe('a listing', () => {
  async function list({ connection }: Scene): Promise<number> {
    let names = 0;
    for await (const batch of connection.list(Buffer.from('/home'))) names += batch.length;
    return names;
  }

  test('of 5,000 names takes few round trips', async () => {
    const at = await scene();
    for (let n = 0; n < 5000; n++) at.server.put(`/home/${n}`, '');
    expect(await list(at)).toBe(5000);
    // OPENDIR, then 2, 4, 8 ... requests for the 50 answers.
    expect(at.trips.count).toBeLessThanOrEqual(8);
  });

  test('of few names takes two round trips, and no more requests than needed', async () => {
    const at = await scene();
    for (let n = 0; n < 10; n++) at.server.put(`/home/${n}`, '');
    expect(await list(at)).toBe(10);
    expect(at.trips.count).toBe(2);
    await at.connection.ping();
    expect(at.server.asked).toEqual(['opendir', 'readdir', 'readdir', 'close', 'lstat']);
  });

  test('that brings nothing but the directory itself, without end, fails', async () => {
    const server = new StandInSftpServer({ listsDotsForever: true });
    server.put('/home', '', { kind: 'directory', mode: 0o755 });
    const connection = await server.connection();
    const listing = (async () => {
      for await (const _ of connection.list(Buffer.from('/home')));
    })();
    await expect(listing).rejects.toMatchObject({ code: 'protocol' });
    await connection.close();
  });
});

test('a directory is made without a mode where the server refuses one', async () => {
  const at = await scene({ refuseOpenMode: StatusCode.unsupported });
  await at.connection.makeDirectory(Buffer.from('/home/d'), 0o700);
  expect(at.server.disk.get('/home/d')).toMatchObject({ kind: 'directory', mode: 0o755 });
});
