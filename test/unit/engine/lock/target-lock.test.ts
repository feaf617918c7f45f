import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, link, mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import type { LockNames } from '../../../../src/engine/lock/lock-names.ts';
import { rootNames } from '../../../../src/engine/lock/root-names.ts';
import { abstractAddress } from '../../../../src/engine/lock/system-names.ts';
import { kindsOfNames, lockTarget, type TargetLock } from '../../../../src/engine/lock/target-lock.ts';
import type { CopyError } from '../../../../src/errors.ts';
import { tempDirForTest } from '../../../support/for-one-test.ts';
import { lockHolderForTest } from '../../../support/lock-holder.ts';
import { kindOfNames, type LockKind } from '../../../support/lock-kinds.ts';
import { byTier } from '../../../support/tier.ts';

interface Place {
  readonly kind: LockKind;
  /** One of this test alone. */
  readonly server: string;
  /** Released when the test ends. */
  lock(path: string | Uint8Array, server?: string): Promise<TargetLock>;
  /** What a name is held at. */
  address(name: string): string;
  /** Names that are held, or left behind. */
  left(): string[];
}

const kinds = ['abstract sockets', 'socket files'] as const;

async function place(name: (typeof kinds)[number]): Promise<Place> {
  const server = `backup.example 22 user ${randomBytes(8).toString('hex')}`;
  const directory = (await tempDirForTest()).file('locks');
  const kind: LockKind = name === 'abstract sockets' ? { is: 'abstract' } : { is: 'files', directory };
  const locked = new Set<string>();
  return {
    kind,
    server,
    async lock(path, on = server) {
      const root = { server: on, path: Buffer.from(path) };
      const { gate, root: itself, above } = rootNames(root);
      for (const each of [gate, ...[itself, ...above].flatMap(({ at, inside }) => [at, ...inside])]) locked.add(each);
      const lock = await lockTarget(root, { directory: undefined }, [kindOfNames(kind)]);
      onTestFinished(lock.release);
      expect(lock.warning).toBeUndefined();
      return lock;
    },
    address: (of) => (kind.is === 'abstract' ? abstractAddress(of) : `${directory}/${of}`),
    left() {
      if (kind.is === 'files') return readdirSync(directory);
      const table = readFileSync('/proc/net/unix', 'latin1').matchAll(/@mt-copy-tools\/1\/([^/]+)\//g);
      return [...new Set([...table].map((line) => line[1]!))].filter((of) => locked.has(of));
    },
  };
}

async function refusal(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => undefined,
    (reason: CopyError) => reason,
  );
  expect(error).toMatchObject({ code: 'target-locked', exitCode: 12, scope: 'run', retry: false });
  return error!.message;
}

async function within<T>(limitMs: number, attempt: Promise<T>): Promise<T> {
  const begun = performance.now();
  const result = await attempt;
  expect(performance.now() - begun).toBeLessThan(limitMs);
  return result;
}

async function squat(address: string, onConnection: (socket: Socket) => void): Promise<Server> {
  const server = createServer(onConnection);
  await new Promise<void>((resolve) => server.listen({ path: address, exclusive: true }, resolve));
  onTestFinished(() => void server.close());
  return server;
}

const there = process.platform === 'linux' ? kinds : process.platform === 'win32' ? [] : (['socket files'] as const);

describe.each(there)('held by %s', (name) => {
  test('one root has one run, until it is released', async () => {
    const { lock, left } = await place(name);
    const first = await lock('/srv/backup/a');
    expect(await refusal(lock('/srv/backup/a'))).toBe('Another run works on /srv/backup/a.');
    expect(await refusal(lock('/srv//backup/a/')), 'the same').toBe('Another run works on /srv//backup/a/.');
    await first.release();
    await first.release();
    expect(left()).toEqual([]);
    await (await lock('/srv/backup/a')).release();
    expect(left()).toEqual([]);
  });

  test('nor is there one above it or below', async () => {
    const { lock, left } = await place(name);
    const first = await lock('/srv/backup/a');
    const before = left().sort();
    expect(await refusal(lock('/srv'))).toBe('Another run works below /srv.');
    expect(await refusal(lock('/'))).toBe('Another run works below /.');
    expect(await refusal(lock('/srv/backup/a/b/c'))).toBe(
      'Another run works on /srv/backup/a, above /srv/backup/a/b/c.',
    );
    expect(left().sort(), 'who is refused holds nothing').toEqual(before);
    await first.release();
    await lock('/srv');
  });

  test('a run on / is in the way of every other', async () => {
    const { lock } = await place(name);
    await lock('/');
    expect(await refusal(lock('/'))).toBe('Another run works on /.');
    expect(await refusal(lock('/a'))).toBe('Another run works on /, above /a.');
  });

  test('neighbours and other servers are not in the way', async () => {
    const { lock, server } = await place(name);
    for (const path of ['/srv/a', '/srv/ab', '/srv/b', '/srv/c/a', '/srv/A', '/a']) await lock(path);
    await lock('/srv/a', `${server}x`);
    await lock('/srv', `${server} 2`);
    expect(await refusal(lock('/srv'))).toMatch('below');
  });

  test('a neighbour that was refused a moment ago is not in the way either', async () => {
    const { lock } = await place(name);
    const first = await lock('/srv/a');
    // Those on /srv hold their names for a moment in vain.
    const attempts = ['/srv', '/srv/b', '/srv', '/srv/c', '/srv', '/srv/d'].map((path) => lock(path));
    const outcomes = (await Promise.allSettled(attempts)).map(({ status }) => status);
    expect(outcomes.filter((_, at) => at % 2 === 0)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(outcomes.filter((_, at) => at % 2 === 1)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
    await first.release();
  });

  test('names are bytes', async () => {
    const { lock } = await place(name);
    const path = Buffer.from('2f737276ff0a40002f78', 'hex');
    await lock(path);
    expect(await refusal(lock(path))).toBe('Another run works on /srv\\xff\\x0a@\\x00/x.');
    await lock(Buffer.from('2f737276fe0a40002f78', 'hex'));
    await lock('/srv\ufffd\n@\0/x');
    expect(await refusal(lock(path.subarray(0, 8)))).toMatch('below');
  });

  test('a path may be deep', async () => {
    const { lock, left } = await place(name);
    const deep = (components: number) => '/directory'.repeat(components);
    const first = await lock(deep(100));
    expect(await refusal(lock(deep(99)))).toMatch('below');
    expect(await refusal(lock(deep(101)))).toMatch('above');
    await lock(`${deep(99)}/other`);
    await first.release();
    // Beyond all reason, what lies beside counts as the same.
    const second = await lock(`${deep(20_000)}/a`);
    expect(await refusal(lock(`${deep(20_000)}/b`))).toMatch('Another run works on');
    expect(left().length).toBeLessThan(400);
    await second.release();
  });

  test('of ten at once exactly one wins', async () => {
    const { lock, left } = await place(name);
    for (let round = 0; round < 5; round++) {
      const roots = Array.from({ length: 10 }, (_, at) => (round % 2 === 0 ? '/srv/a' : '/srv/a'.repeat(1 + (at % 3))));
      const outcomes = await Promise.allSettled(roots.map((root) => lock(root)));
      const won = outcomes.filter((outcome) => outcome.status === 'fulfilled');
      expect(won.length).toBe(1);
      for (const { value } of won) await value.release();
      expect(left()).toEqual([]);
    }
  });

  test('of several processes at once exactly one wins', async () => {
    const { kind, server } = await place(name);
    const holders = await Promise.all(Array.from({ length: byTier(3, 5) }, lockHolderForTest));
    const paths = ['/a/b', '/a', '/a/b/c', '/', '/a/b'];
    const root = (at: number) => ({ server, path: Buffer.from(paths[at]!) });
    const outcomes = await Promise.all(holders.map((holder, at) => holder.lock(kind, root(at))));
    expect(outcomes.sort()).toEqual(['held', ...Array<string>(holders.length - 1).fill('target-locked')]);
  });

  test('another process is noticed at once, and is gone at once when it is killed', async () => {
    const { kind, server, lock, left } = await place(name);
    const holder = await lockHolderForTest();
    expect(await holder.lock(kind, { server, path: Buffer.from('/srv/a') })).toBe('held');
    await within(1_000, refusal(lock('/srv/a')));
    await within(1_000, refusal(lock('/srv')));
    await within(1_000, refusal(lock('/srv/a/b')));
    await holder.kill();
    for (const path of ['/srv/a/b', '/srv', '/srv/a']) {
      const ours = await within(1_000, lock(path));
      await ours.release();
    }
    expect(left()).toEqual([]);
  });

  test('what is held keeps no process from ending', async () => {
    const { kind, server, lock } = await place(name);
    const holder = await lockHolderForTest();
    expect(await holder.lock(kind, { server, path: Buffer.from('/srv/a') })).toBe('held');
    expect(await within(2_000, holder.leave())).toBe(0);
    await lock('/srv/a');
  });

  test('a process that is stopped still holds', async () => {
    const { kind, server, lock } = await place(name);
    const holder = await lockHolderForTest();
    await holder.lock(kind, { server, path: Buffer.from('/srv/a') });
    process.kill(holder.pid, 'SIGSTOP');
    for (const path of ['/srv/a', '/srv/a/b', '/srv']) await within(1_000, refusal(lock(path)));
  });

  if (name === 'socket files') {
    it('who was killed just in the gate keeps nobody', async () => {
      const { kind, server, lock, left, address } = await place(name);
      const { gate, root } = rootNames({ server, path: Buffer.from('/srv/a') });
      const holder = await lockHolderForTest();
      await holder.lock(kind, { server, path: Buffer.from('/srv/a') });
      await holder.kill();
      // There is no waiting for that moment; the files of a dead process are all alike.
      await link(address(root.at), address(gate));
      const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => lock('/srv/a')));
      const won = outcomes.filter((outcome) => outcome.status === 'fulfilled');
      expect(won.length).toBe(1);
      await won[0]!.value.release();
      expect(left()).toEqual([]);
    });
  }

  test('a stranger who sits on a name holds it, whatever he says', async () => {
    const { server, lock, address } = await place(name);
    const { root, above } = rootNames({ server, path: Buffer.from('/srv/a') });
    await (await lock('/elsewhere')).release();
    const silent = await squat(address(root.at), () => {});
    await within(1_000, refusal(lock('/srv/a')));
    silent.close();
    await squat(address(above[1]!.at), (socket) => {
      socket.on('error', () => {});
      socket.write(randomBytes(100_000));
    });
    expect(await within(1_000, refusal(lock('/srv/a')))).toBe('Another run works on /srv, above /srv/a.');
  });

  test('a stranger in the gate only costs time', async () => {
    const { server, lock, address } = await place(name);
    await (await lock('/elsewhere')).release();
    await squat(address(rootNames({ server, path: Buffer.from('/') }).gate), () => {});
    const both = await within(4_000, Promise.allSettled([lock('/srv/a'), lock('/srv/a')]));
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  test('the gate is not what keeps two from winning', async () => {
    const { kind, server } = await place(name);
    const names = await kindOfNames(kind)();
    const gateless: LockNames = {
      take: async (of) => (of.startsWith('gate') ? { free: async () => {} } : names.take(of)),
      isHeld: (of) => names.isHeld(of),
    };
    let winners = 0;
    for (let round = 0; round < 20; round++) {
      const attempts = Array.from({ length: 10 }, async (_, at) => {
        await sleep(Math.random() * 20);
        const path = Buffer.from('/srv/a'.repeat(1 + (at % 3)));
        return lockTarget({ server, path }, { directory: undefined }, [() => gateless]);
      });
      const won = (await Promise.allSettled(attempts)).filter((outcome) => outcome.status === 'fulfilled');
      expect(won.length).toBeLessThanOrEqual(1);
      winners += won.length;
      for (const { value } of won) await value.release();
    }
    expect(winners).toBeGreaterThan(0);
  });

  test('when every place inside a directory is taken, no more runs are let in', async () => {
    const { server, lock, address } = await place(name);
    await (await lock('/elsewhere')).release();
    const [top] = rootNames({ server, path: Buffer.from('/srv/a') }).above;
    for (const inside of top!.inside.slice(1)) await squat(address(inside), () => {});
    const first = await lock('/srv/a');
    expect(await refusal(lock('/srv/b'))).toBe('128 other runs work below /, and no more can.');
    await first.release();
    await lock('/srv/b');
  });

  test('connections to what is held are sent away, and keep nothing open', async () => {
    const { server, lock, address, left } = await place(name);
    const held = await lock('/srv/a');
    const { root } = rootNames({ server, path: Buffer.from('/srv/a') });
    const closed = Array.from({ length: 300 }, () => {
      const socket = connect({ path: address(root.at) });
      socket.on('error', () => {}).resume();
      return new Promise<void>((resolve) => socket.once('close', () => resolve()));
    });
    await Promise.all(closed);
    await within(1_000, held.release());
    expect(left()).toEqual([]);
  });
});

describe('where nothing can hold a lock', () => {
  const root = { server: 'x', path: Buffer.from('/srv/a') };
  const onlyFiles = (directory: string | undefined) => kindsOfNames({ directory }, 'darwin');
  const warningOf = async (directory: string | undefined) => {
    const lock = await lockTarget(root, { directory }, onlyFiles(directory));
    const second = await lockTarget(root, { directory }, onlyFiles(directory));
    await lock.release();
    await second.release();
    expect(second.warning).toBe(lock.warning);
    return lock.warning;
  };
  const notNoticed = 'A second run on the same target would not be noticed';

  test('a warning says so', async () => {
    expect(await warningOf(undefined)).toBe(`${notNoticed}: there is no directory for locks.`);
  });

  test('such as a directory that cannot be made', async () => {
    const dir = await tempDirForTest();
    await writeFile(dir.file('file'), '');
    expect(await warningOf(dir.file('file', 'locks'))).toMatch(`${notNoticed}: ENOTDIR: not a directory`);
    expect(await warningOf(dir.file('file'))).toMatch(`${notNoticed}: EEXIST`);
    await symlink(dir.path, dir.file('link'));
    expect(await warningOf(dir.file('link'))).toBe(
      `${notNoticed}: the path of the directory for locks is not a directory.`,
    );
  });

  test('or that is open to others, or has too long a path', async () => {
    const dir = await tempDirForTest();
    await mkdir(dir.file('open'));
    await chmod(dir.file('open'), 0o777);
    expect(await warningOf(dir.file('open'))).toBe(`${notNoticed}: others can write to the directory for locks.`);
    const long = dir.file('x'.repeat(80 - dir.path.length - 1));
    expect(await warningOf(long)).toBe(`${notNoticed}: the path of the directory for locks is too long.`);
    const justFits = dir.file('x'.repeat(79 - dir.path.length - 1));
    const lock = await lockTarget(root, { directory: justFits }, onlyFiles(justFits));
    expect(lock.warning).toBeUndefined();
    expect((await stat(justFits)).mode & 0o777).toBe(0o700);
    await lock.release();
    expect(readdirSync(justFits)).toEqual([]);
  });

  test('or where something stands that is no socket, which is left alone', async () => {
    const dir = await tempDirForTest();
    await chmod(dir.path, 0o700);
    const path = dir.file(rootNames(root).root.at);
    await writeFile(path, 'mine');
    const { warning } = await lockTarget(root, { directory: dir.path }, onlyFiles(dir.path));
    expect(warning).toBe(`${notNoticed}: a file in the directory for locks is not a lock.`);
    expect(readFileSync(path, 'utf8')).toBe('mine');
    expect(readdirSync(dir.path)).toEqual([rootNames(root).root.at]);
  });

  test('a bug is not taken for that', async () => {
    const broken = () => {
      throw new TypeError('wrong');
    };
    await expect(lockTarget(root, { directory: undefined }, [broken])).rejects.toThrow('wrong');
  });

  it.runIf(process.platform === 'linux')('files do where abstract sockets are not to be had', async () => {
    const dir = await tempDirForTest();
    const refused = () => {
      throw Object.assign(new Error('EPERM: operation not permitted, listen'), { code: 'EPERM' });
    };
    const [abstract, files] = kindsOfNames({ directory: dir.file('locks') }, 'linux');
    expect(abstract).toBeDefined();
    const lock = await lockTarget(root, { directory: undefined }, [refused, files!]);
    expect(lock.warning).toBeUndefined();
    expect(readdirSync(dir.file('locks')).length).toBe(3);
    await lock.release();
  });
});

test('an abstract name is as long as can be, so that every Node makes the same of it', () => {
  const { gate, root } = rootNames({ server: 'x', path: Buffer.from('/a') });
  for (const name of [gate, root.at, ...root.inside]) expect(abstractAddress(name).length).toBe(108);
  expect(new Set(root.inside.map(abstractAddress)).size).toBe(128);
});
