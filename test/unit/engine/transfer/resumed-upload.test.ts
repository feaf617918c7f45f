/** Uploads that go on with what stands on a server that can hash, whoever left it. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { CopyError } from '../../../../src/errors.ts';
import { journalsIn } from '../../../support/journals-in.ts';
import { stagedName } from '../../../support/memory-remote.ts';
import { MemoryStaged } from '../../../support/memory-staged.ts';
import {
  contents,
  expectArrived,
  notices,
  type UploadScene,
  type UploadSettings,
  uploadScene,
} from '../../../support/upload-scene.ts';

const MIB = 1024 * 1024;
const SIZE = 3 * MIB + 17;
const PARTIAL = stagedName('/home/0');

/** Half of the file stands on the server. */
async function halfThere(): Promise<UploadScene> {
  const it = await uploadScene([SIZE], { digestMethods: ['check-file', 'shell'] });
  it.remote.put(PARTIAL, contents(SIZE, 0).subarray(0, SIZE / 2));
  return it;
}

function resuming({ dir }: UploadScene): Partial<UploadSettings> {
  return { verify: 'hash', journals: { ...journalsIn(dir), lookAgainMs: 1, onFailed: () => {} } };
}

test('what is right is not sent again, though no journal knows of it', async () => {
  const it = await halfThere();
  const outcome = await it.run(resuming(it));
  expectArrived(it, [SIZE]);
  expect(outcome.bytesResumed).toBeGreaterThan(SIZE / 2 - 128 * 1024);
  expect(outcome.bytesSent + outcome.bytesResumed).toBe(SIZE);
  expect(outcome.verified.byDigest).toBe(SIZE);
});

test.each([
  ['a disk that fails when the file is sealed', new CopyError('destination-refused', 'Input/output error.'), 0],
  ['a run that is stopped by then', new CopyError('cancelled', 'Enough.'), SIZE],
])('%s: what is noted as durable by then', async (_, error, durable) => {
  const it = await uploadScene([SIZE]);
  const seal = vi.spyOn(MemoryStaged.prototype, 'seal').mockRejectedValue(error);
  onTestFinished(() => seal.mockRestore());
  if (durable === 0) {
    const sync = vi.spyOn(MemoryStaged.prototype, 'sync').mockResolvedValue(false);
    onTestFinished(() => sync.mockRestore());
  }
  const outcome = await it.run({ ...resuming(it), verify: 'auto' });
  expect(outcome).toMatchObject({ error: { code: error.code }, bytesKept: durable });
});

test('a run that is stopped while a provider is tried leaves what is there', async () => {
  const it = await halfThere();
  it.remote.onDigest = () => {
    it.stop.abort();
    return undefined;
  };
  expect((await it.run(resuming(it))).error?.code).toBe('cancelled');
  expect(it.remote.contents(PARTIAL)?.length).toBe(Math.floor(SIZE / 2));
});

test('the loss of the connection over which the trial reads back costs another trial, and nothing else', async () => {
  const it = await halfThere();
  let lost = 0;
  it.remote.onRead = (connection) => {
    if (lost++ === 0) it.remote.lose(connection);
  };
  const outcome = await it.run(resuming(it));
  expectArrived(it, [SIZE]);
  expect(lost).toBeGreaterThan(1);
  expect(outcome.bytesResumed).toBeGreaterThan(SIZE / 2 - 128 * 1024);
  expect(outcome.verified.byDigest).toBe(SIZE);
  expect(notices(it.events)).toEqual([]);
});

test.each([
  ['the provider is tried on', 0, Math.floor(SIZE / 2)],
  ['it is asked for later', 5 * 64 * 1024, 64 * 1024],
])('what an earlier run had in flight may arrive while it is compared, where %s', async (_, offset, length) => {
  const it = await halfThere();
  it.remote.contents(PARTIAL)!.fill(0, offset, offset + length);
  it.remote.onRead = (_connection, read) => {
    if (read.offset < offset || read.offset >= offset + length) return;
    it.remote.store(PARTIAL, offset, contents(SIZE, 0).subarray(offset, offset + length));
  };
  const outcome = await it.run(resuming(it));
  expectArrived(it, [SIZE]);
  expect(outcome.bytesResumed).toBeGreaterThan(SIZE / 2 - 128 * 1024);
  expect(notices(it.events)).toEqual([]);
});

test.each([
  ['has found out that many may', 3, []],
  ['has not found out', 1, ['single-writer']],
])('how many may write what an earlier run left that %s', async (_, wanted, told) => {
  const it = await uploadScene([SIZE], { writers: 'unknown', probe: 'many', digestMethods: ['shell'] });
  it.remote.onWrite = (_connection, { offset }) => {
    if (offset >= SIZE / 2) throw new CopyError('destination-refused', 'Input/output error.');
  };
  expect((await it.run({ ...resuming(it), wanted })).error?.code).toBe('destination-refused');
  it.remote.onWrite = () => {};
  // What a probe would say now.
  it.remote.faults.probe = 'one';
  it.events.length = 0;
  const outcome = await it.run(resuming(it));
  expectArrived(it, [SIZE]);
  expect(outcome.bytesResumed).toBeGreaterThan(SIZE / 4);
  expect(notices(it.events)).toEqual(told);
});

test('the loss of a connection over which a cell is read back that differs costs nothing but the reading', async () => {
  const it = await halfThere();
  const at = 5 * 64 * 1024;
  it.remote.contents(PARTIAL)!.fill(0, at, at + 64 * 1024);
  let lost = 0;
  it.remote.onRead = (connection, { offset }) => {
    if (offset === at && lost++ === 0) it.remote.lose(connection);
  };
  const outcome = await it.run(resuming(it));
  expect(outcome.error).toBeUndefined();
  expectArrived(it, [SIZE]);
  expect(lost).toBeGreaterThan(1);
});

test('what a disk refused to take is sent again, although the server reads it back as right', async () => {
  const it = await uploadScene([SIZE], { digestMethods: ['shell'] });
  const refused = { operation: 'sync', text: 'Input/output error' };
  const error = new CopyError('destination-refused', 'Input/output error.', { refused });
  const syncs = [vi.spyOn(MemoryStaged.prototype, 'seal'), vi.spyOn(MemoryStaged.prototype, 'sync')];
  onTestFinished(() => {
    vi.restoreAllMocks();
  });
  for (const sync of syncs) sync.mockRejectedValue(error);
  expect((await it.run(resuming(it))).error?.code).toBe('destination-refused');
  for (const sync of syncs) sync.mockRestore();
  expect(await it.run(resuming(it))).toMatchObject({ bytesSent: SIZE, bytesResumed: 0 });
  expectArrived(it, [SIZE]);
});

test('what another run has staged is named, also by a run that ends before it could look at it twice', async () => {
  const it = await uploadScene([SIZE], { digestMethods: ['shell'] });
  it.remote.onWrite = (_connection, { offset }) => {
    if (offset >= SIZE / 2) throw new CopyError('destination-refused', 'Input/output error.');
  };
  expect((await it.run(resuming(it))).error?.code).toBe('destination-refused');
  it.remote.onWrite = () => {};
  it.events.length = 0;
  it.remote.put(`${PARTIAL}.other`, Buffer.alloc(1000));
  const { journals } = resuming(it);
  expect((await it.run({ ...resuming(it), journals: { ...journals!, lookAgainMs: 60_000 } })).error).toBeUndefined();
  expectArrived(it, [SIZE]);
  expect(notices(it.events)).toEqual(['left-over']);
});

test('with a server that only seems to hash, what is there is not believed', async () => {
  const it = await halfThere();
  it.remote.onDigest = (_, { length }) => Buffer.alloc(32, length);
  const outcome = await it.run({ ...resuming(it), verify: 'auto' });
  expectArrived(it, [SIZE]);
  expect(outcome).toMatchObject({ bytesSent: SIZE, bytesResumed: 0, verified: { bySize: SIZE } });
  expect(notices(it.events)).toEqual(['digests', 'digests', 'no-digests']);
});

test.each([64, 256])(
  'one that lies of what is there is dropped, and nothing sent for its sake (pieces of %i KiB)',
  async (kib) => {
    const it = await halfThere();
    it.remote.onDigest = (method, { offset }) => {
      const isLie = method === 'check-file' && offset >= 512 * 1024 && offset < 768 * 1024;
      return isLie ? Buffer.alloc(32, 9) : undefined;
    };
    const outcome = await it.run({ ...resuming(it), pieceSize: kib * 1024 });
    expectArrived(it, [SIZE]);
    expect(outcome.bytesResumed).toBeGreaterThan(SIZE / 2 - 128 * 1024);
    expect(outcome.verified.byDigest).toBe(SIZE);
    expect(notices(it.events)).toEqual(['digests']);
  },
);

test('where the provider is lost in the middle, the journal decides of the rest', async () => {
  const it = await uploadScene([SIZE], { digestMethods: ['shell'] });
  // A run that has all on the disk of the server, and fails at its end.
  it.remote.faults.failClose.push(1, 2, 3);
  const first = await it.run({ ...resuming(it), verify: 'size' });
  expect(first.error?.code).toBe('no-space');
  expect(first.bytesKept).toBeGreaterThan(SIZE - 64 * 1024);
  it.remote.faults.failClose.length = 0;
  let asked = 0;
  it.remote.onDigest = () => {
    if (asked++ > 8) it.remote.faults.digestMethods.length = 0;
    return asked > 8 ? 'missing' : undefined;
  };
  const outcome = await it.run({ ...resuming(it), verify: 'auto' });
  expectArrived(it, [SIZE]);
  expect(outcome).toMatchObject({ bytesSent: 0, bytesResumed: SIZE });
});

describe('a run is started again where one connection alone may write and nobody can hash', () => {
  /** All is on the disk of the server, and the run is stopped when it seals the file. */
  async function stopped(writers: 'one' | 'unknown'): Promise<UploadScene> {
    const it = await uploadScene([SIZE], { writers, probe: 'one' });
    const cancelled = new CopyError('cancelled', 'Enough.');
    const seal = vi.spyOn(MemoryStaged.prototype, 'seal').mockRejectedValue(cancelled);
    const { error, bytesKept } = await it.run({ ...resuming(it), verify: 'auto' });
    seal.mockRestore();
    expect({ code: error?.code, bytesKept }).toEqual({ code: 'cancelled', bytesKept: SIZE });
    it.events.length = 0;
    return it;
  }

  test.each(['one', 'unknown'] as const)('what is durable is not sent again (%s)', async (writers) => {
    const it = await stopped(writers);
    // The last piece is wrong there, so that something is left to send.
    it.remote.contents(PARTIAL)!.fill(0, SIZE - 1000);
    const outcome = await it.run({ ...resuming(it), verify: 'auto' });
    expectArrived(it, [SIZE]);
    expect(outcome.bytesResumed).toBeGreaterThan(SIZE - 128 * 1024);
    expect(outcome.bytesSent + outcome.bytesResumed).toBe(SIZE);
    expect(notices(it.events)).not.toContain('started-over');
  });

  test('a server that did not keep what it had synced gets the file anew', async () => {
    const it = await stopped('unknown');
    const file = it.remote.files.get(PARTIAL)!;
    file.bytes = file.bytes.subarray(0, SIZE / 2);
    const outcome = await it.run({ ...resuming(it), verify: 'auto' });
    expectArrived(it, [SIZE]);
    expect(outcome).toMatchObject({ error: undefined, bytesResumed: 0, bytesSent: SIZE });
  });
});
