import { appendFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { findSources } from '../../../../src/engine/local/local-files.ts';
import { Counters } from '../../../../src/engine/runner/counters.ts';
import { LocalRunner } from '../../../../src/engine/runner/local-runner.ts';
import type { RunnerReport } from '../../../../src/engine/runner/piece-runner.ts';
import { TransferRun } from '../../../../src/engine/transfer/transfer-run.ts';
import { Upload } from '../../../../src/engine/upload/upload.ts';
import { CopyError } from '../../../../src/errors.ts';
import { deferred } from '../../../../src/util/deferred.ts';
import { journalsIn } from '../../../support/journals-in.ts';
import { MemoryStaged } from '../../../support/memory-staged.ts';
import { COPY_ALL } from '../../../support/tree-options.ts';
import { connections, contents, expectArrived, filesOf, notices, uploadScene } from '../../../support/upload-scene.ts';
import { waitFor } from '../../../support/wait-for.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

test('files of every kind of size arrive whole, by several connections', async () => {
  const sizes = [0, 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 3 * MIB + 17];
  const it = await uploadScene(sizes);
  const outcome = await it.run();
  expectArrived(it, sizes);
  const bytes = sizes.reduce((sum, size) => sum + size);
  expect(outcome).toEqual({
    filesDone: 6,
    filesFailed: 0,
    filesSkipped: 0,
    bytesSkipped: 0,
    bytesSent: bytes,
    bytesResumed: 0,
    bytesKept: 0,
    connectionsUsed: 3,
    verified: { byDigest: 0, byReadBack: 0, bySize: bytes, notVerified: 0 },
    error: undefined,
    hasEndedRun: false,
  });
});

test('tells one plan before any file, and of each file that it started, is committed, is done', async () => {
  const it = await uploadScene([MIB, 2 * MIB]);
  await it.run();
  const plans = it.events.filter(({ type }) => type === 'plan');
  expect(plans).toEqual([
    expect.objectContaining({ direction: 'upload', files: 2, bytes: 3 * MIB, connections: 3, dryRun: false }),
  ]);
  const firstFile = it.events.findIndex(({ type }) => type === 'file');
  expect(it.events.findIndex(({ type }) => type === 'plan')).toBeLessThan(firstFile);
  for (const source of it.sources) {
    const states = filesOf(it.events).filter((event) => event.source === source);
    expect(states.map(({ state }) => state)).toEqual(['started', 'committing', 'done']);
    expect(new Set(states.map(({ size }) => size)).size).toBe(1);
  }
  for (const event of it.events) expect([event.v, typeof event.atMs]).toEqual([1, 'number']);
});

test('the target gets mode and time of the source, unless told otherwise', async () => {
  const it = await uploadScene([10]);
  await it.run();
  const kept = it.remote.files.get('/home/0')!;
  expect(kept.mtimeMs).toBeGreaterThan(0);
  kept.mode = 0o664;
  await it.run({ preserve: false });
  const plain = it.remote.files.get('/home/0')!;
  expect([plain.mode, plain.mtimeMs], 'the mode of what it replaces').toEqual([0o664, 0]);
  it.remote.files.delete('/home/0');
  await it.run({ preserve: false });
  expect(it.remote.files.get('/home/0')?.mode, 'as the server makes it').toBe(0o600);
});

test('one missing source of several is the failure of that one', async () => {
  const it = await uploadScene([MIB, undefined, 100]);
  const outcome = await it.run();
  expectArrived(it, [MIB, undefined, 100]);
  expect(outcome).toMatchObject({
    filesDone: 2,
    filesFailed: 1,
    hasEndedRun: false,
    error: { code: 'source-missing' },
  });
  expect(filesOf(it.events).filter(({ state }) => state === 'failed')).toEqual([
    expect.objectContaining({ source: it.sources[1], error: expect.objectContaining({ exitCode: 3 }) }),
  ]);
});

test('two sources of one name never become one file', async () => {
  const it = await uploadScene([100]);
  it.sources.push(it.sources[0]!);
  const outcome = await it.run();
  expect(outcome).toMatchObject({
    filesDone: 1,
    filesFailed: 1,
    hasEndedRun: false,
    error: { code: 'usage', scope: 'file' },
  });
  expectArrived(it, [100]);
});

test('a connection that is lost again and again in the middle costs nothing but its bytes in flight', async () => {
  const it = await uploadScene([4 * MIB], { loseAfter: { 2: [200_000, 100_000], 3: [0, 300_000] } });
  const outcome = await it.run();
  expectArrived(it, [4 * MIB]);
  expect(outcome).toMatchObject({ filesDone: 1, error: undefined });
  const lost = it.events.filter((event) => event.type === 'connection' && event.state === 'lost');
  expect(lost.length).toBeGreaterThanOrEqual(2);
});

test('a connection that is being hung up gets nothing of the next file', async () => {
  const sizes = [MIB, MIB, MIB, MIB];
  const it = await uploadScene(sizes, { slowClose: true });
  const failed = new Set<number>();
  it.remote.onWrite = (connection) => {
    if (failed.has(connection)) return;
    failed.add(connection);
    // The engine closes it for this; until it is closed, all that it is given would fail at once.
    throw new CopyError('protocol', 'It answered nonsense.');
  };
  const outcome = await it.run();
  expectArrived(it, sizes);
  expect(outcome.error).toBeUndefined();
});

test('when all connections are lost at once, the server may have forgotten what it did not sync', async () => {
  const it = await uploadScene([4 * MIB]);
  let stored = 0;
  let synced: Buffer = Buffer.alloc(0);
  // On a slow machine a sync may come first.
  it.remote.onSync = (path) => {
    synced = Buffer.from(it.remote.contents(path)!);
  };
  it.remote.onWrite = (_, { length }) => {
    stored += length;
    if (stored < 2 * MIB) return;
    stored = Number.NEGATIVE_INFINITY;
    for (const file of it.remote.files.values()) synced.copy(file.bytes.fill(0));
    for (const connection of it.remote.open) it.remote.lose(connection);
  };
  const outcome = await it.run();
  expectArrived(it, [4 * MIB]);
  expect(outcome.error).toBeUndefined();
  expect(it.events).toContainEqual(expect.objectContaining({ type: 'notice', code: 'sent-again' }));
  expect(outcome.bytesSent).toBeLessThan(7 * MIB);
});

test('while one connection lives on, what was acknowledged is not sent again', async () => {
  const it = await uploadScene([4 * MIB]);
  let stored = 0;
  it.remote.onWrite = (_, { length }) => {
    stored += length;
    if (stored < 2 * MIB) return;
    stored = Number.NEGATIVE_INFINITY;
    for (const connection of [...it.remote.open].slice(1)) it.remote.lose(connection);
  };
  const outcome = await it.run();
  expectArrived(it, [4 * MIB]);
  expect(outcome.error).toBeUndefined();
  expect(outcome.bytesSent).toBeLessThan(5 * MIB);
});

test('after a sync only what came later is sent again when all connections are lost', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const it = await uploadScene([4 * MIB]);
  const gate = deferred<void>();
  let disk: Buffer | undefined;
  let passed = 0;
  let crashed = false;
  /** Those that were held at the gate go one after another, or all would be in flight at the crash. */
  let ahead: Promise<unknown> = gate.promise;
  it.remote.onSync = (path) => {
    disk = Buffer.from(it.remote.contents(path)!);
  };
  it.remote.onWrite = async (_, { length }) => {
    if (crashed) return;
    if (passed >= 2 * MIB) {
      const before = ahead;
      const behind = deferred<void>();
      ahead = behind.promise;
      await before;
      // Behind its acknowledgement, which is a few steps away.
      setImmediate(() => behind.resolve());
    }
    passed += length;
    if (passed < 3 * MIB || crashed) return;
    crashed = true;
    const [file] = it.remote.files.values();
    file!.bytes = Buffer.from(disk!);
    for (const connection of it.remote.open) it.remote.lose(connection);
  };
  const running = it.run();
  const told = () => it.events.findLast((event) => event.type === 'progress')?.bytesDone ?? 0;
  await waitFor(() => passed >= 2 * MIB && told() === passed, { what: 'all that was let through to be acknowledged' });
  expect(disk, 'it is not due yet').toBeUndefined();
  vi.advanceTimersByTime(10_000);
  await waitFor(() => disk !== undefined, { what: 'the sync' });
  // Its answer is known by then.
  await turn();
  gate.resolve();
  const outcome = await running;
  expectArrived(it, [4 * MIB]);
  expect(outcome.error).toBeUndefined();
  expect(notices(it.events)).toEqual(['sent-again']);
  // A MiB and what was in flight; without the sync it would be three.
  expect(outcome.bytesSent).toBeGreaterThan(4 * MIB);
  expect(outcome.bytesSent).toBeLessThan(5.5 * MIB);
});

test('a file of one piece whose connection is lost and refused for good is sent by another', async () => {
  const it = await uploadScene([60 * KIB]);
  const refused = new CopyError('connection-refused', 'Not you again.', { retry: false }).toData();
  let home: number | undefined;
  it.remote.onWrite = async (connection) => {
    if (home !== undefined) return;
    home = connection;
    await waitFor(() => it.remote.open.length === 2, { what: 'the other connection', pollMs: 2 });
    it.remote.faults.failConnect[home] = [refused];
    it.remote.lose(home);
    // Until it is given up, so that it does not come back just in time.
    it.remote.onWrite = async () => {
      await waitFor(() => connections(it.events, 'given-up').length > 0, { what: 'it to be given up' });
    };
  };
  const outcome = await it.run({ wanted: 2 });
  expectArrived(it, [60 * KIB]);
  expect(outcome.error).toBeUndefined();
  expect(connections(it.events, 'given-up')).toEqual([home]);
});

test('a file whose home is lost when it turns out that others may not join is sent from the beginning', async () => {
  const it = await uploadScene([4 * MIB], { refuseJoin: [1, 2] });
  let losing = true;
  it.remote.onJoin = async (connection) => {
    if (!losing) return;
    losing = false;
    const home = it.remote.open.find((other) => other !== connection)!;
    it.remote.lose(home);
    await waitFor(() => connections(it.events, 'lost').includes(home), { what: 'its loss to be told', pollMs: 2 });
  };
  const outcome = await it.run({ wanted: 2 });
  expectArrived(it, [4 * MIB]);
  expect(outcome.error).toBeUndefined();
  expect(losing).toBe(false);
  expect(notices(it.events)).toEqual(expect.arrayContaining(['single-writer', 'started-over']));
});

test('a second connection that is lost in the middle of the probe: it is looked whether it did harm', async () => {
  const it = await uploadScene([4 * MIB], { writers: 'unknown' });
  let home: number | undefined;
  let lost = false;
  it.remote.onWrite = (connection) => {
    home ??= connection;
    if (connection === home || lost) return;
    lost = true;
    it.remote.lose(connection);
  };
  const outcome = await it.run({ wanted: 2 });
  expectArrived(it, [4 * MIB]);
  expect(outcome.error).toBeUndefined();
  expect(lost).toBe(true);
  expect(notices(it.events)).toEqual([]);
});

test('when none comes back in time, there is no connection, and the target is as it was', async () => {
  const it = await uploadScene([4 * MIB]);
  it.remote.files.set('/home/0', { bytes: Buffer.from('old'), mtimeMs: 1, mode: 0o644 });
  const failed = new CopyError('connection-failed', 'Nobody answers.').toData();
  it.remote.onWrite = () => {
    for (const connection of [1, 2, 3]) it.remote.faults.failConnect[connection] = new Array(1000).fill(failed);
    for (const connection of it.remote.open) it.remote.lose(connection);
  };
  const outcome = await it.run({ retryForMs: 300 });
  expect(outcome).toMatchObject({ filesDone: 0, hasEndedRun: true, error: { code: 'no-connection', exitCode: 5 } });
  expect(it.remote.contents('/home/0')!.toString()).toBe('old');
});

test('a first connection that is refused its login ends the run with that', async () => {
  const denied = new CopyError('authentication-failed', 'No.').toData();
  const it = await uploadScene([MIB], { failConnect: { 1: [denied] }, hangConnect: [2, 3] });
  const outcome = await it.run();
  expect(outcome).toMatchObject({
    hasEndedRun: true,
    filesDone: 0,
    error: { code: 'authentication-failed', exitCode: 7 },
  });
  expect(it.remote.files.size).toBe(0);
});

test('cancelled in the middle: everything stops, the target is as it was', async () => {
  const it = await uploadScene([4 * MIB, 4 * MIB]);
  it.remote.files.set('/home/0', { bytes: Buffer.from('old'), mtimeMs: 1, mode: 0o644 });
  let writes = 0;
  it.remote.onWrite = () => {
    if (++writes === 20) it.stop.abort(new CopyError('cancelled', 'Interrupted.'));
  };
  const outcome = await it.run();
  expect(outcome).toMatchObject({ filesDone: 0, hasEndedRun: true, error: { code: 'cancelled', exitCode: 130 } });
  expect(it.remote.contents('/home/0')!.toString()).toBe('old');
  expect(it.remote.contents('/home/1')).toBeUndefined();
});

test('cancelled while the server is silent: nobody waits for it', async () => {
  const it = await uploadScene([4 * MIB], { holdAcknowledgements: true });
  const running = it.run();
  it.remote.onWrite = () => expect.unreachable('nothing is let through');
  while (it.remote.open.length < 3) await new Promise((resolve) => setImmediate(resolve));
  it.stop.abort();
  expect((await running).error?.code).toBe('cancelled');
});

test('cancelled before it began: nothing is dialled', async () => {
  const it = await uploadScene([MIB]);
  it.stop.abort();
  expect((await it.run()).error?.code).toBe('cancelled');
  expect(it.remote.dialled.size).toBe(0);
});

test('a source that changes while it is copied is never published', async () => {
  const it = await uploadScene([2 * MIB, 100]);
  let changed: Promise<void> | undefined;
  it.remote.onWrite = async () => {
    changed ??= appendFile(it.sources[0]!, 'more');
    await changed;
  };
  const outcome = await it.run();
  expect(outcome).toMatchObject({
    filesDone: 1,
    filesFailed: 1,
    hasEndedRun: false,
    error: { code: 'source-changed' },
  });
  expect(it.remote.contents('/home/0')).toBeUndefined();
  expect(it.remote.contents('/home/1')?.equals(contents(100, 1))).toBe(true);
});

test('where one connection writes each file, others write other files, and the user is told once', async () => {
  const sizes = [2 * MIB, 2 * MIB];
  const it = await uploadScene(sizes, { writers: 'one', refuseJoin: [1, 2, 3] });
  const outcome = await it.run();
  expectArrived(it, sizes);
  expect(outcome.error).toBeUndefined();
  expect(notices(it.events)).toEqual(['single-writer']);
});

/** However often they are opened. */
function alwaysAfter(bytes: number): Record<number, number[]> {
  const always = new Array(1000).fill(bytes);
  return { 1: always, 2: always, 3: always };
}

test.each(['one', 'unknown'] as const)(
  'where one connection writes (%s) and is lost again and again, the next one continues in the same file',
  async (writers) => {
    const loseAfter = alwaysAfter(MIB / 4);
    const it = await uploadScene([4 * MIB], { writers, probe: 'one', digestMethods: ['shell'], loseAfter });
    const outcome = await it.run({ verify: 'auto', journals: journalsIn(it.dir) });
    expectArrived(it, [4 * MIB]);
    expect(outcome.error).toBeUndefined();
    expect(connections(it.events, 'lost').length, 'more often than any count').toBeGreaterThan(10);
    expect(notices(it.events)).not.toContain('started-over');
  },
);

test('with one connection alone, what the server may have lost is sent again', async () => {
  const it = await uploadScene([4 * MIB], { writers: 'unknown', loseAfter: { 1: [3 * MIB] } });
  const outcome = await it.run({ wanted: 1 });
  expectArrived(it, [4 * MIB]);
  expect(outcome.error).toBeUndefined();
  expect(notices(it.events)).toEqual(['sent-again']);
});

test.each(['many', 'unknown'] as const)(
  'a restart while the file is sealed costs what was lost, and does not fail the file (writers: %s)',
  async (writers) => {
    // No sync is due, as no time passes.
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const it = await uploadScene([MIB], { writers, digestMethods: [] });
    const { seal } = MemoryStaged.prototype;
    let seals = 0;
    const sealing = vi.spyOn(MemoryStaged.prototype, 'seal').mockImplementation(function (this: MemoryStaged, end) {
      const [file] = it.remote.files.values();
      if (++seals === 1) {
        file!.bytes = file!.bytes.subarray(0, MIB / 2);
        for (const connection of it.remote.open) it.remote.lose(connection);
      }
      if (file!.bytes.length === MIB || seals === 1) return seal.call(this, end);
      return Promise.reject(new CopyError('integrity', 'It is too short.'));
    });
    onTestFinished(() => sealing.mockRestore());
    const outcome = await it.run();
    expect(outcome.error).toBeUndefined();
    expectArrived(it, [MIB]);
  },
);

test('what the server may have lost is compared, where it can hash, and only what differs is sent again', async () => {
  // No sync is due, as no time passes.
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const it = await uploadScene([4 * MIB], { digestMethods: ['shell'] });
  const lost = { offset: 128 * KIB, length: 64 * KIB };
  let stored = 0;
  it.remote.onWrite = (connection, { length }) => {
    stored += length;
    if (stored < 3 * MIB) return;
    stored = Number.NEGATIVE_INFINITY;
    const [file] = it.remote.files.values();
    file!.bytes.fill(0, lost.offset, lost.offset + lost.length);
    it.remote.lose(connection);
  };
  const outcome = await it.run({ wanted: 1, verify: 'auto', journals: journalsIn(it.dir) });
  expectArrived(it, [4 * MIB]);
  expect(outcome.error).toBeUndefined();
  expect(notices(it.events)).toEqual(['sent-again']);
  expect(outcome.verified.byDigest).toBe(4 * MIB);
  expect(outcome.bytesResumed).toBe(0);
  // What differs, and what was in flight.
  expect(outcome.bytesSent).toBeGreaterThanOrEqual(4 * MIB + lost.length);
  expect(outcome.bytesSent).toBeLessThan(4.5 * MIB);
});

test('where the server keeps nothing of a lost connection, the file fails when it gets no further for some time', async () => {
  const it = await uploadScene([2 * MIB], {
    writers: 'one',
    refuseJoin: [1, 2, 3],
    loseAfter: alwaysAfter(MIB),
  });
  const outcome = await it.run({ retryForMs: 1000 });
  expect(outcome).toMatchObject({ filesDone: 0, filesFailed: 1, error: { code: 'connection-lost' } });
  expect(it.remote.contents('/home/0')).toBeUndefined();
  expect(notices(it.events).filter((code) => code === 'started-over').length).toBeGreaterThan(1);
});

test('where it keeps nothing, and connections hold in the end, the file is sent from the beginning again', async () => {
  const it = await uploadScene([2 * MIB], {
    writers: 'one',
    refuseJoin: [1, 2, 3],
    loseAfter: { 1: [MIB], 2: [MIB], 3: [MIB] },
  });
  const outcome = await it.run();
  expectArrived(it, [2 * MIB]);
  expect(outcome.error).toBeUndefined();
  expect(notices(it.events)).toContain('started-over');
});

test.each(['many', 'one', 'one, data lost'] as const)(
  'a server that is probed (%s) gets the file whole',
  async (probe) => {
    const it = await uploadScene([4 * MIB, MIB], { writers: 'unknown', probe });
    const outcome = await it.run();
    expectArrived(it, [4 * MIB, MIB]);
    expect(outcome.error).toBeUndefined();
    expect(notices(it.events).includes('single-writer')).toBe(probe !== 'many');
    expect(notices(it.events).includes('started-over')).toBe(probe === 'one, data lost');
  },
);

test('a second connection that may not join makes it a single writer in the middle of the run', async () => {
  const it = await uploadScene([4 * MIB], { refuseJoin: [2, 3] });
  const outcome = await it.run();
  expectArrived(it, [4 * MIB]);
  expect(outcome.error).toBeUndefined();
  expect(notices(it.events)).toEqual(['single-writer']);
});

test('a commit whose answer was lost is recognised', async () => {
  const it = await uploadScene([MIB], { loseRenameAnswers: 1 });
  const outcome = await it.run();
  expectArrived(it, [MIB]);
  expect(outcome).toMatchObject({ filesDone: 1, error: undefined });
});

test('a close that fails is the failure of the file: it may be what tells of a full disk', async () => {
  const it = await uploadScene([4 * MIB], { failClose: [1, 2, 3] });
  const outcome = await it.run();
  expect(outcome).toMatchObject({ filesDone: 0, filesFailed: 1, error: { code: 'no-space' } });
  expect(it.remote.contents('/home/0')).toBeUndefined();
});

test('a target of another size is code 9, unless nothing is to be verified', async () => {
  const it = await uploadScene([MIB], { sizeLie: MIB - 1 });
  expect(await it.run()).toMatchObject({ filesDone: 0, error: { code: 'integrity', exitCode: 9 } });
  expect(await it.run({ verify: 'none' })).toMatchObject({
    filesDone: 1,
    verified: { bySize: 0, notVerified: MIB },
    error: undefined,
  });
});

test('a dry run tells what would be copied, and changes nothing', async () => {
  const it = await uploadScene([MIB, undefined, 5]);
  it.remote.files.set('/home/0', { bytes: Buffer.from('old'), mtimeMs: 1, mode: 0o644 });
  const outcome = await it.run({ dryRun: true });
  expect(outcome).toMatchObject({ filesDone: 0, filesFailed: 1, bytesSent: 0 });
  const would = filesOf(it.events).filter(({ state }) => state === 'would-copy');
  expect(would.map(({ source, replaces }) => [source, replaces])).toEqual([
    [it.sources[0], true],
    [it.sources[2], false],
  ]);
  expect([...it.remote.files.keys()]).toEqual(['/home/0']);
  expect(it.remote.contents('/home/0')!.toString()).toBe('old');
});

test('a target that is longer keeps nothing of its old end', async () => {
  const it = await uploadScene([100 * KIB]);
  it.remote.files.set('/home/0', { bytes: Buffer.alloc(MIB, 'x'), mtimeMs: 1, mode: 0o644 });
  await it.run();
  expectArrived(it, [100 * KIB]);
});

test('in place, the target itself is written and cut to its size', async () => {
  const it = await uploadScene([2 * MIB]);
  it.remote.files.set('/home/0', { bytes: Buffer.alloc(3 * MIB, 'x'), mtimeMs: 1, mode: 0o644 });
  const outcome = await it.run({ inplace: true });
  expect(outcome.error).toBeUndefined();
  expectArrived(it, [2 * MIB]);
});

test('a directory that stands in the way is the failure of the file', async () => {
  const it = await uploadScene([10, 10]);
  it.remote.directories.add('/home/0');
  const outcome = await it.run();
  expect(outcome).toMatchObject({ filesDone: 1, filesFailed: 1, error: { code: 'destination-is-directory' } });
});

test('missing directories of the destination are made', async () => {
  const it = await uploadScene([10, 10]);
  const outcome = await it.run({ destination: Buffer.from('a/b/') });
  expect(outcome.error).toBeUndefined();
  expect(it.remote.contents('/home/a/b/1')?.equals(contents(10, 1))).toBe(true);
  expect(it.remote.directories.has('/home/a')).toBe(true);
});

test('a rate limit that stands still does not hold a cancelled run', async () => {
  const it = await uploadScene([4 * MIB]);
  const counters = new Counters();
  counters.limit();
  counters.allow(1, 1);
  const found = await findSources(it.sources.map((path) => Buffer.from(path)));
  const options = {
    destination: Buffer.alloc(0),
    pieceSize: 64 * KIB,
    verify: 'size',
    digests: { methods: [], algorithm: 'auto' },
    inplace: false,
    preserve: true,
    trees: COPY_ALL,
    dryRun: false,
    wanted: 2,
    maxStartups: 8,
    connectIntervalMs: 0,
    retryForMs: 2000,
  } as const;
  const upload = new TransferRun(
    new LocalRunner(it.remote, counters),
    counters,
    new Upload(found, options),
    options,
    () => {},
  );
  it.remote.onWrite = () => it.stop.abort();
  expect((await upload.run(it.stop.signal)).error?.code).toBe('cancelled');
  expect(it.remote.open).toEqual([]);
});

test.each(['many', 'unknown'] as const)(
  'a connection that is called to move before the file is staged moves later, where %s may write',
  async (writers) => {
    const it = await uploadScene([3 * MIB], { writers, probe: 'many' });
    const called: number[] = [];
    // The others hold the end back until it has.
    it.remote.onWrite = async (connection, { offset }) => {
      const hasMoved = (): boolean => it.remote.dialled.get(3) === 2;
      const isLate = offset > 2 * MIB && offset < 2.5 * MIB;
      if (connection !== 3 && isLate) await waitFor(hasMoved, { what: 'the move of connection 3' });
    };
    await it.run({}, (tell) => {
      called.push(3);
      tell({ kind: 'relocate', connection: 3 });
    });
    expectArrived(it, [3 * MIB]);
    expect(called).toEqual([3]);
    expect(it.remote.dialled.get(3), 'it was opened a second time').toBe(2);
    expect(connections(it.events, 'lost')).toEqual([]);
  },
);

test('a connection that digests are asked for over moves when it has nothing else to do', async () => {
  const it = await uploadScene([3 * MIB], { digestMethods: ['shell'] });
  const movers = [2, 3];
  const called = new Set<number>();
  const [areBusy, areLetOn] = [deferred<void>(), deferred<void>()];
  let tell!: (report: RunnerReport) => void;
  let asked = 0;
  let isBusy = false;
  it.remote.onDigest = async (_method, _range, connection) => {
    // The first are those of the trial.
    if (++asked <= 4) return undefined;
    if (called.has(connection)) {
      isBusy = true;
      areBusy.resolve();
    }
    await areLetOn.promise;
    return undefined;
  };
  it.remote.onWrite = async (connection, { offset }) => {
    const hasMoved = () => movers.every((mover) => it.remote.dialled.get(mover) === 2);
    if (!movers.includes(connection)) {
      if (offset > MIB) await waitFor(hasMoved, { what: 'the move of both' });
    } else if (isBusy) {
      // It has been given another range: when that has ended, nothing else is asked for over it.
      areLetOn.resolve();
    } else {
      if (!called.has(connection)) tell({ kind: 'relocate', connection });
      called.add(connection);
      await areBusy.promise;
    }
  };
  await it.run({ verify: 'hash' }, (report) => {
    tell = report;
  });
  expectArrived(it, [3 * MIB]);
  expect(movers.map((mover) => it.remote.dialled.get(mover))).toEqual([2, 2]);
});

test('pieces that are too many are made longer, and one line of the whole run says so', async () => {
  const it = await uploadScene([MIB]);
  for (const name of ['big', 'bigger']) {
    const path = join(it.dir, name);
    await writeFile(path, '');
    await truncate(path, 16_384 * 64 * KIB + 1);
    it.sources.push(path);
  }
  const started = () => filesOf(it.events).filter(({ state }) => state === 'started').length;
  it.remote.onWrite = async () => {
    await waitFor(() => started() === 3, { what: 'all files' });
    it.stop.abort(new CopyError('cancelled', 'Stopped.'));
  };
  await it.run();
  const told = it.events.flatMap((event) => (event.type === 'notice' && event.code === 'piece-size' ? [event] : []));
  expect(told.map(({ level, message }) => [level, message])).toEqual([
    ['info', 'The pieces of 1.0 GiB are 128 KiB long, not 64 KiB: a file has at most 16,384 pieces.'],
  ]);
});
