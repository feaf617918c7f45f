import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { type DigestOptions, DigestProviders } from '../../../../src/engine/verify/digest-providers.ts';
import { CopyError } from '../../../../src/errors.ts';
import type { Digester, DigestMethod, RemoteConnection } from '../../../../src/remotes/remote.ts';
import { DIGEST_METHODS } from '../../../../src/remotes/sftp/digests/open-digester.ts';
import { deferred } from '../../../../src/util/deferred.ts';

const of = { stage: 'x' };
const ranges = [{ offset: 0, length: 65_536 }];
const RIGHT = Buffer.alloc(32, 1);
const WRONG = Buffer.alloc(32, 2);
const trial = { of, ranges: async () => ranges, back: async () => [RIGHT] };

interface Script {
  /** What each method does when it is opened; without one it is not there. */
  readonly open: Partial<Record<DigestMethod, () => Promise<Partial<Digester>>>>;
  readonly options?: Partial<DigestOptions>;
}

/** Providers of a run that has `count` connections, which are given out in turn. */
function providersOf({ open, options }: Script, count = 3) {
  const opened: [number, DigestMethod][] = [];
  const closed: DigestMethod[] = [];
  const told: string[] = [];
  const prefers: (number | undefined)[] = [];
  const connections = Array.from({ length: count }, (_, index) => index + 1).map((id) => {
    const digester = async (method: DigestMethod): Promise<Digester> => {
      const made = open[method];
      if (made === undefined) throw new CopyError('unsupported', `There is no ${method}.`);
      opened.push([id, method]);
      const standard = { method, algorithms: ['sha256'], maxRangeLength: 1 << 20, digests: async () => [RIGHT] };
      const close = async (): Promise<void> => void closed.push(method);
      return { ...standard, close, ...(await made()) } as Digester;
    };
    return { digester, closed: new Promise(() => {}) } as Partial<RemoteConnection> as RemoteConnection;
  });
  let turn = 0;
  const run = {
    onProgress: () => {},
    withConnection: <T>(
      work: (id: number, remote: RemoteConnection) => Promise<T>,
      { prefer, avoid }: { prefer?: number; avoid?: number | undefined } = {},
    ) => {
      prefers.push(prefer);
      let id = prefer ?? (turn++ % count) + 1;
      if (id === avoid) id = (turn++ % count) + 1;
      return work(id, connections[id - 1]!);
    },
  };
  const all: DigestOptions = { methods: DIGEST_METHODS, algorithm: 'auto', ...options };
  const providers = new DigestProviders(run, all, (message) => told.push(message));
  return { providers, opened, closed, told, prefers };
}

const plain = async (): Promise<Partial<Digester>> => ({});

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

test('the best that is there is taken, and those before it are missed by nobody', async () => {
  const { providers, told } = providersOf({ open: { helper: plain, shell: plain } });
  expect(await providers.isAvailable()).toBe(true);
  expect(await providers.trusted(trial)).toEqual({ method: 'helper', algorithm: 'sha256', maxRangeLength: 1 << 20 });
  expect(told).toEqual([]);
});

test('what was not chosen is not even looked for', async () => {
  const { providers, opened } = providersOf({ open: { helper: plain, shell: plain }, options: { methods: ['shell'] } });
  expect(await providers.trusted(trial)).toMatchObject({ method: 'shell' });
  expect(opened).toEqual([[1, 'shell']]);
});

test('the first algorithm that both have, or the one that is asked for', async () => {
  const open = { shell: async () => ({ algorithms: ['md5', 'sha1'] as const }) };
  expect(await providersOf({ open }).providers.trusted(trial)).toMatchObject({ algorithm: 'sha1' });
  expect(await providersOf({ open, options: { algorithm: 'md5' } }).providers.trusted(trial)).toMatchObject({
    algorithm: 'md5',
  });
  expect(await providersOf({ open, options: { algorithm: 'sha256' } }).providers.isAvailable()).toBe(false);
});

test('one that fails its trial is dropped and told of, and the next one tried', async () => {
  const { providers, told, closed } = providersOf({
    open: { 'check-file': async () => ({ digests: async () => [WRONG] }), shell: plain },
  });
  expect(await providers.trusted(trial)).toMatchObject({ method: 'shell' });
  expect(told).toEqual(["The server's check-file is not used: its answers are wrong."]);
  await vi.waitFor(() => expect(closed).toEqual(['check-file']));
});

test('one is not dropped because the bytes changed before they were read back, but if that seems to happen again', async () => {
  const wrongTimes = async (times: number) => {
    const answers = Array.from({ length: times }, () => WRONG);
    const { providers, told } = providersOf({
      open: { shell: async () => ({ digests: async () => [answers.pop() ?? RIGHT] }) },
    });
    return { provider: await providers.trusted(trial), told };
  };
  expect(await wrongTimes(1)).toMatchObject({ provider: { method: 'shell' }, told: [] });
  expect(await wrongTimes(2)).toMatchObject({ provider: undefined, told: [expect.stringContaining('wrong')] });
});

test('none is trusted where nothing can be read back', async () => {
  const { providers, told } = providersOf({ open: { shell: plain } });
  const back = async (): Promise<never> => {
    throw new CopyError('destination-permission', 'The server lets nobody read.');
  };
  expect(await providers.trusted({ ...trial, back })).toBeUndefined();
  expect(told).toEqual([expect.stringContaining('The server lets nobody read')]);
});

test('several that ask at once have one trial made', async () => {
  let asked = 0;
  const digests = async () => {
    asked++;
    return [RIGHT];
  };
  const { providers } = providersOf({ open: { shell: async () => ({ digests }) } });
  await Promise.all([providers.trusted(trial), providers.trusted(trial), providers.trusted(trial)]);
  expect(asked).toBe(1);
});

test('one that fails when it is asked is dropped; its answer is none, and so is that of whoever asks it again', async () => {
  let asked = 0;
  const digests = async () => {
    if (asked++ === 0) return [RIGHT];
    throw new CopyError('unsupported', 'It ended.');
  };
  const { providers, told } = providersOf({ open: { shell: async () => ({ digests }) } });
  const provider = (await providers.trusted(trial))!;
  expect(await providers.ask(provider, of, ranges)).toBeUndefined();
  expect(told).toEqual(["The server's shell is not used: It ended."]);
  expect(await providers.ask(provider, of, ranges)).toBeUndefined();
  expect(asked).toBe(2);
  expect(await providers.trusted(trial)).toBeUndefined();
});

test('a number of digests that is not that of the ranges drops it', async () => {
  const { providers } = providersOf({ open: { shell: async () => ({ digests: async () => [] }) } });
  expect(await providers.trusted(trial)).toBeUndefined();
});

test('the search ends after five seconds', async () => {
  const { providers } = providersOf({ open: { 'check-file': () => new Promise(() => {}), shell: plain } });
  const late = new AbortController();
  const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(late.signal);
  onTestFinished(() => timeout.mockRestore());
  const search = providers.isAvailable();
  expect(timeout).toHaveBeenCalledExactlyOnceWith(5000);
  late.abort();
  expect(await search).toBe(false);
});

test('over as few connections as will do, and two at the most', async () => {
  const gates = [deferred<void>(), deferred<void>(), deferred<void>()];
  let asked = 0;
  const digests = async () => {
    if (asked++ > 0) await gates[asked - 2]!.promise;
    return [RIGHT];
  };
  const { providers, opened } = providersOf({ open: { shell: async () => ({ digests }) } });
  const provider = (await providers.trusted(trial))!;
  expect(opened).toHaveLength(1);
  const answers = [0, 1, 2].map(() => providers.ask(provider, of, ranges));
  await vi.waitFor(() => expect(asked).toBe(4));
  expect([1, 2, 3].filter((id) => providers.isWorkingOn(id))).toEqual(opened.map(([id]) => id).sort());
  for (const gate of gates) gate.resolve();
  await Promise.all(answers);
  expect(new Set(opened.map(([id]) => id)).size).toBe(2);
  expect(opened).toHaveLength(2);
  expect([1, 2, 3].filter((id) => providers.isWorkingOn(id))).toEqual([]);
});

test('after the end nothing is asked any more', async () => {
  const { providers, closed } = providersOf({ open: { shell: plain } });
  const provider = (await providers.trusted(trial))!;
  providers.end();
  const cancelled = expect.objectContaining({ code: 'cancelled' });
  await expect(providers.isAvailable()).rejects.toEqual(cancelled);
  await expect(providers.trusted(trial)).rejects.toEqual(cancelled);
  await expect(providers.ask(provider, of, ranges)).rejects.toEqual(cancelled);
  await vi.waitFor(() => expect(closed).toEqual(['shell']));
});

test('a connection that is silent does not hold back the digests: another one is asked as well', async () => {
  const asked: number[] = [];
  let opened = 0;
  const { providers } = providersOf({
    open: {
      'check-file': async () => {
        const lane = opened++;
        return {
          digests: () => {
            asked.push(lane);
            return lane === 0 ? new Promise(() => {}) : Promise.resolve([RIGHT]);
          },
        };
      },
    },
    options: { patienceMs: 1 },
  });
  const provider = await providers.trusted(trial);
  expect(provider?.method).toBe('check-file');
  expect(await providers.ask(provider!, of, ranges)).toEqual([RIGHT]);
  expect(new Set(asked)).toEqual(new Set([0, 1]));
  // Its silence has no excuse.
  expect([1, 2, 3].filter((connection) => providers.isWorkingOn(connection))).toEqual([]);
});

test('the only connection is not asked twice, however long it takes', async () => {
  let asked = 0;
  const slow = async (): Promise<Buffer[]> => {
    asked++;
    // The search, the request, and the attempt to make it on another connection.
    while (prefers.length < 3) await new Promise((resolve) => setImmediate(resolve));
    return [RIGHT];
  };
  const { providers, prefers } = providersOf(
    { open: { 'check-file': async () => ({ digests: slow }) }, options: { patienceMs: 1 } },
    1,
  );
  expect(await providers.trusted(trial)).toBeDefined();
  expect(asked).toBe(1);
});

test('where both connections fail, the failure of the first one is told', async () => {
  const { providers, told } = providersOf({
    open: {
      'check-file': async () => ({
        digests: async () => {
          await new Promise((resolve) => setImmediate(resolve));
          throw new CopyError('unsupported', 'It cannot.');
        },
      }),
    },
    options: { patienceMs: 0 },
  });
  expect(await providers.trusted(trial)).toBeUndefined();
  expect(told.join()).toContain('It cannot');
});
