/**
 * What another machine, or a run of which no journal tells, has staged beside a target, and what else has such a name.
 */
import {
  appendFile,
  chmod,
  chown,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { expect, it, onTestFinished, type TestContext } from 'vitest';
import { describeWithServers } from '../support/describe-with-servers.ts';
import { expectArrived } from '../support/expect-arrived.ts';
import {
  proftpdForTest,
  type SourceForTest,
  sourceForTest,
  sshdForTest,
  tempDirForTest,
} from '../support/for-one-test.ts';
import { machineForTest } from '../support/machines.ts';
import { eventsOf, type JsonRun, LOOKS_AGAIN_SOON, mtput, mtputJson, type UploadTo } from '../support/mtput.ts';
import { foreignPartial, partialOf, partialsOf } from '../support/partials.ts';
import { sha256Of } from '../support/random-file.ts';
import { expectFailure } from '../support/run-outcome.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { requests, shellCopy } from '../support/ssh-relay.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier } from '../support/tier.ts';
import { waitFor } from '../support/wait-for.ts';

const NAME = 'x.bin';
const SIZE = 1_000_000;
const ARGS = ['-n', '2', '-s', '64K'];
/** Another name of a partial file of the target, beside that of `foreignPartial`. */
const OTHER_HEX = 'fedcba9876543210';
const TWO_DAYS_MS = 48 * 60 * 60 * 1000;
/** Requests of a file that pass before a WRITE is held. */
const WRITES_TO_PASS = 6;

const SERVERS = {
  sshd: () => sshdForTest(),
  'sshd without copy-data': () => sshdForTest({ sftpOptions: '-P copy-data' }),
  proftpd: () => proftpdForTest(),
} as const;
const SSHD = ['sshd', SERVERS.sshd] as const;
const PROFTPD = ['proftpd', SERVERS.proftpd] as const;
const BOTH = [SSHD, PROFTPD];
/** In the quick tier one of the two, where they are known to differ little. */
const ON_SSHD = byTier([SSHD], BOTH);
const ON_PROFTPD = byTier([PROFTPD], BOTH);

/** Belongs to the account of the server, as everything does that was uploaded. */
async function give(server: TestServer, path: string, mode: number): Promise<void> {
  const { uid, gid } = await stat(server.home);
  await chown(path, uid, gid);
  await chmod(path, mode);
}

async function placePartial(server: TestServer, path: string, content: Buffer, mode: number = 0o600): Promise<void> {
  await writeFile(path, content);
  await give(server, path, mode);
}

async function makeOld(path: string): Promise<void> {
  const then = new Date(Date.now() - TWO_DAYS_MS);
  await utimes(path, then, then);
}

async function firstHalfOf({ path, size }: SourceForTest): Promise<Buffer> {
  return (await readFile(path)).subarray(0, size / 2);
}

async function contentOfOther(): Promise<Buffer> {
  return readFile((await sourceForTest(SIZE / 2)).path);
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function resultOf(run: JsonRun) {
  return eventsOf(run, 'result')[0]!;
}

function warningsOf(run: JsonRun): string[] {
  return eventsOf(run, 'notice').flatMap(({ message, level }) => (level === 'warning' ? [message] : []));
}

function putJson(source: SourceForTest, to: UploadTo, args: readonly string[]): Promise<JsonRun> {
  return mtputJson([source.path], to, args, undefined, LOOKS_AGAIN_SOON);
}

describeWithServers(['sshd', 'proftpd'], 'partial files of others', () => {
  // In the quick tier delta.test.ts has a shell that copies; below, Ctrl-C and a copy that is hidden have copy-file.
  it.each(Object.entries(SERVERS).slice(0, byTier(1, 3)))(
    'what is right in one is copied by the server: %s',
    async (_, start) => {
      const server = await start();
      const source = await sourceForTest(SIZE);
      const foreign = foreignPartial(server.home, NAME);
      await placePartial(server, foreign, await firstHalfOf(source));
      // A second name shows whether it was written to.
      const kept = (await tempDirForTest()).file('kept');
      await link(foreign, kept);
      const before = await sha256Of(kept);

      const run = await putJson(source, { server, path: NAME }, ARGS);
      await expectArrived(run, server, NAME, source);
      const { bytesResumed, bytesSent } = resultOf(run);
      expect(bytesResumed).toBeGreaterThan(SIZE / 4);
      expect(bytesSent).toBeLessThan(SIZE - bytesResumed + SIZE / 10);
      expect(await sha256Of(kept)).toBe(before);
      expect((await stat(kept)).ino).not.toBe((await stat(join(server.home, NAME))).ino);
    },
  );

  it.each(ON_PROFTPD)('one of something else stays and is named, but for one of days ago: %s', async (_, start) => {
    const server = await start();
    const source = await sourceForTest(SIZE);
    const foreign = foreignPartial(server.home, NAME);
    const old = join(server.home, `.${NAME}.${OTHER_HEX}.mtpart`);
    await placePartial(server, foreign, await contentOfOther());
    await placePartial(server, old, await contentOfOther());
    await makeOld(old);
    const before = await sha256Of(foreign);

    const run = await putJson(source, { server, path: NAME }, ARGS);
    await expectArrived(run, server, NAME, source, { others: 1 });
    expect(resultOf(run).bytesResumed).toBe(0);
    expect(await sha256Of(foreign)).toBe(before);
    expect(warningsOf(run)).toEqual([
      expect.stringMatching(/\.x\.bin\.0123456789abcdef\.mtpart .* stays on the server/),
    ]);
  });

  it.each(ON_SSHD)('one of days ago is removed also by a run that does not succeed: %s', async (_, start) => {
    const server = await start();
    const source = await sourceForTest(SIZE);
    const old = foreignPartial(server.home, NAME);
    await placePartial(server, old, await contentOfOther());
    await makeOld(old);
    const machine = await machineForTest(server, { name: 'one', isHurried: true });
    const run = await machine.put(source.path, NAME, [...ARGS, '--limit', '100K']);
    await waitFor(async () => !(await partialsOf(server.home, NAME)).includes(old), {
      what: 'the old file to be removed',
    });
    run.kill();
    await run.end();
    expect(await partialsOf(server.home, NAME)).toHaveLength(1);
  });

  it.each(ON_SSHD)('--no-resume removes those that nobody writes: %s', async (_, start) => {
    const server = await start();
    const source = await sourceForTest(SIZE);
    await placePartial(server, foreignPartial(server.home, NAME), await firstHalfOf(source));
    await placePartial(server, join(server.home, `.${NAME}.${OTHER_HEX}.mtpart`), await contentOfOther());
    const run = await putJson(source, { server, path: NAME }, [...ARGS, '--no-resume']);
    await expectArrived(run, server, NAME, source);
    expect(resultOf(run)).toMatchObject({ bytesResumed: 0, bytesSent: SIZE });
  });

  it('what copy-file copies is hidden from others as soon as it is complete', async () => {
    const server = await proftpdForTest();
    const source = await sourceForTest(SIZE);
    // The server gives a copy the mode of its origin.
    const foreign = foreignPartial(server.home, NAME);
    await placePartial(server, foreign, await firstHalfOf(source), 0o644);
    const machine = await machineForTest(server, { name: 'one', isHurried: true });
    let isModeSet = false;
    const hold = machine.relay.hold((packet) => {
      isModeSet ||= requests('setstat')(packet);
      return isModeSet && requests('write')(packet);
    });
    const run = await machine.put(source.path, NAME, ARGS);
    await hold.arrived();
    const partials = (await partialsOf(server.home, NAME)).filter((path) => path !== foreign);
    expect(partials.length).toBeGreaterThan(0);
    for (const partial of partials) expect((await stat(partial)).mode & 0o777, partial).toBe(0o600);
    await hold.release();
    const end = await run.end();
    expect(end.code, end.stderr).toBe(0);
    expect(warningsOf(end)).toEqual([]);
    expect(await sha256Of(join(server.home, NAME))).toBe(source.sha256);
  });

  it('where no mode may be set, it is said once that others may read the copy', async () => {
    const server = await proftpdForTest('<Limit SITE_CHMOD>', 'DenyAll', '</Limit>');
    const source = await sourceForTest(SIZE);
    await placePartial(server, foreignPartial(server.home, NAME), await firstHalfOf(source), 0o644);
    const run = await putJson(source, { server, path: NAME }, ARGS);
    expect(run.code, run.stderr).toBe(0);
    expect(resultOf(run).bytesResumed).toBeGreaterThan(SIZE / 4);
    const exposed = warningsOf(run).filter((warning) => warning.includes('is continued in a copy'));
    expect(exposed).toEqual([
      expect.stringMatching(/others may read \S*\.x\.bin\.[0-9a-f]{16}\.mtpart \(its mode is 0644\)/),
    ]);
  });

  const COPYING = [
    ['copy-file', SERVERS.proftpd, requests('extended', 'copy-file')] as const,
    ...byTier(
      [],
      [
        ['copy-data', SERVERS.sshd, requests('extended', 'copy-data')] as const,
        ['a shell', SERVERS['sshd without copy-data'], shellCopy] as const,
      ],
    ),
  ];
  it.each(COPYING)('Ctrl-C while the server copies ends the run at once: %s', async (_, start, matches) => {
    const server = await start();
    const source = await sourceForTest(SIZE);
    const foreign = foreignPartial(server.home, NAME);
    await placePartial(server, foreign, await firstHalfOf(source));
    const stateDir = (await tempDirForTest()).path;
    const machine = await machineForTest(server, { name: 'one', stateDir, isHurried: true });
    const hold = machine.relay.hold(matches);
    const run = await machine.put(source.path, NAME, ARGS);
    await hold.arrived();
    run.kill('SIGINT');
    const end = await run.end(8000);
    expect(end.code, end.stderr).toBe(130);
    // What may still become a copy is in no journal, so that no run takes it for its own.
    for (const path of await filesBelow(stateDir)) expect(await readFile(path, 'latin1'), path).not.toContain('mtpart');
    await hold.release();
    const again = await putJson(source, { server, path: NAME }, ARGS);
    expect(again.code, again.stderr).toBe(0);
    expect(await sha256Of(join(server.home, NAME))).toBe(source.sha256);
  });

  it.each(byTier([[[]]], [[[]], [['--no-resume']]]))('12 where somebody writes one, which stays: %o', async (more) => {
    const server = await sshdForTest();
    const source = await sourceForTest(SIZE);
    const foreign = foreignPartial(server.home, NAME);
    await placePartial(server, foreign, await firstHalfOf(source));
    let failure: unknown;
    const writing = setInterval(() => {
      appendFile(foreign, 'more').catch((error: unknown) => {
        failure = error;
      });
    }, 50);
    onTestFinished(() => clearInterval(writing));
    // Here the three seconds between two looks are what they are for users.
    const run = await mtputJson([source.path], { server, path: NAME }, [...ARGS, '--limit', '100K', ...more]);
    clearInterval(writing);
    expect([run.code, failure], run.stderr).toEqual([12, undefined]);
    expect((await stat(foreign)).size).toBeGreaterThan(SIZE / 2);
    expect(await readdir(server.home)).toEqual([basename(foreign)]);
  });

  it.each(ON_SSHD)('what has such a name but is no file of ours is not touched: %s', async (_, start) => {
    const server = await start();
    const source = await sourceForTest(SIZE);
    const half = await firstHalfOf(source);
    const outside = (await tempDirForTest()).file('outside');
    await placePartial(server, outside, half);
    const path = (hex: string): string => join(server.home, `.${NAME}.${hex.repeat(16)}.mtpart`);
    const [linked, directory, writable] = [path('1'), path('2'), path('3')];
    await symlink(outside, linked);
    await mkdir(directory);
    await writeFile(join(directory, 'inside'), 'theirs');
    await placePartial(server, writable, half, 0o660);
    const looks = () => Promise.all([outside, linked, directory, writable].map((one) => stat(one)));
    const before = await looks();

    for (const more of [[], ['--no-resume']]) {
      const run = await putJson(source, { server, path: NAME }, [...ARGS, ...more]);
      await expectArrived(run, server, NAME, source, { others: 3 });
      expect(resultOf(run).bytesResumed).toBe(0);
    }
    const facts = (all: Awaited<ReturnType<typeof looks>>) =>
      all.map(({ ino, size, mtimeMs, mode }) => ({ ino, size, mtimeMs, mode }));
    expect(facts(await looks())).toEqual(facts(before));
    expect(await readdir(directory)).toEqual(['inside']);
  });

  it('two machines with one state directory: the second does not write what the first has staged', async () => {
    const server = await sshdForTest();
    const source = await sourceForTest(SIZE);
    const stateDir = (await tempDirForTest()).path;
    const one = await machineForTest(server, { name: 'one', stateDir, isHurried: true });
    const two = await machineForTest(server, { name: 'two', stateDir, isHurried: true });
    const hold = one.relay.hold(requests('write'), WRITES_TO_PASS);
    const first = await one.put(source.path, NAME, ARGS);
    await hold.arrived();
    first.kill();
    await first.end();
    // What was in flight by then is written.
    await one.relay.settled();
    const kept = join(stateDir, 'kept');
    const staged = await partialOf(server.home, NAME);
    await link(staged, kept);
    const before = await sha256Of(kept);

    const run = await (await two.put(source.path, NAME, ARGS)).end();
    expect(run.code, run.stderr).toBe(0);
    expect(await sha256Of(join(server.home, NAME))).toBe(source.sha256);
    expect(await sha256Of(kept)).toBe(before);
    expect((await stat(kept)).ino).not.toBe((await stat(join(server.home, NAME))).ino);
    await hold.release();
    expect(await sha256Of(join(server.home, NAME))).toBe(source.sha256);
  });

  it.each(ON_PROFTPD)('a directory of 12,000 names: %s', async (_, start) => {
    const server = await start();
    const source = await sourceForTest(SIZE);
    const directory = join(server.home, 'full');
    await mkdir(directory);
    await give(server, directory, 0o755);
    for (let next = 0; next < 12_000; next += 500) {
      await Promise.all(Array.from({ length: 500 }, (_one, i) => writeFile(join(directory, `f${next + i}`), '')));
    }
    const run = await putJson(source, { server, path: `full/${NAME}` }, ARGS);
    expect(run.code, run.stderr).toBe(0);
    expect(await sha256Of(join(directory, NAME))).toBe(source.sha256);
    expect(await readdir(directory)).toHaveLength(12_001);
    expect(warningsOf(run)).toEqual([]);
  });
});

const MIB = 1024 * 1024;
const DISK = 8 * MIB;
/**
 * With more than 1 MiB to spare at the end, and with less: where nobody could hash, proftpd may then have lost
 * something.
 */
const LARGE_FILES = [5 * MIB, 7.5 * MIB];
const FULL_DISKS = byTier(
  [['proftpd', 7.5 * MIB, SERVERS.proftpd] as const],
  BOTH.flatMap(([name, start]) => LARGE_FILES.map((size) => [name, size, start] as const)),
);

/** The most of a source is in a partial file of somebody else, and there is no room for a second one. */
async function fullDisk(start: () => Promise<TestServer>, size: number, context: TestContext) {
  const server = await start();
  const directory = join(server.home, 'small');
  const disk = await mountSmallDisk(directory, DISK);
  if (typeof disk === 'string') return context.skip(`no file system may be mounted here: ${disk}`);
  onTestFinished(disk.unmount);
  const source = await sourceForTest(size);
  const foreign = foreignPartial(directory, NAME);
  await placePartial(server, foreign, (await readFile(source.path)).subarray(0, size - 300_000));
  const to = { server, path: `small/${NAME}` };
  return { source, directory, foreign, to };
}

describeWithServers(['sshd', 'proftpd', 'root'], 'a partial file of another run, and no room for a copy', () => {
  it.for(FULL_DISKS)('4 where somebody may still be at work: %s, %i bytes', async ([_, size, start], context) => {
    const { source, directory, foreign, to } = await fullDisk(start, size, context);
    const before = await sha256Of(foreign);
    const refused = await mtput([source.path], to, ARGS, undefined, LOOKS_AGAIN_SOON);
    expectFailure(refused, 4, /no room for a copy of .*\.x\.bin\.0123456789abcdef\.mtpart/, /--no-resume/);
    expect(await sha256Of(foreign)).toBe(before);
    expect(await readdir(directory)).toEqual([basename(foreign)]);
    const run = await putJson(source, to, [...ARGS, '--no-resume']);
    expect(run.code, run.stderr).toBe(0);
    expect(await readdir(directory)).toEqual([NAME]);
    expect(await sha256Of(join(directory, NAME))).toBe(source.sha256);
  });

  it.for(FULL_DISKS)(
    'used as it is, if nobody has written to it for days: %s, %i',
    async ([_, size, start], context) => {
      const { source, directory, foreign, to } = await fullDisk(start, size, context);
      await makeOld(foreign);
      const { ino } = await stat(foreign);
      const run = await putJson(source, to, ARGS);
      expect(run.code, run.stderr).toBe(0);
      expect(resultOf(run).bytesResumed).toBeGreaterThan(size / 2);
      expect(await readdir(directory)).toEqual([NAME]);
      expect(await sha256Of(join(directory, NAME))).toBe(source.sha256);
      expect((await stat(join(directory, NAME))).ino).toBe(ino);
    },
  );
});

describeWithServers(['sshd', 'proftpd'], 'a target that somebody else changes while it is sent', () => {
  const THEIRS = 'theirs';

  async function writeInto(path: string, offset: number, text: string): Promise<void> {
    const file = await open(path, 'r+');
    await file.write(text, offset);
    await file.close();
  }

  /** Somebody puts another file there when a part has been sent. */
  async function overtaken(server: TestServer, source: SourceForTest, more: readonly string[]): Promise<JsonRun> {
    const target = join(server.home, NAME);
    const machine = await machineForTest(server, { name: 'one', isHurried: true });
    const hold = machine.relay.hold(requests('write'), WRITES_TO_PASS);
    const run = await machine.put(source.path, NAME, [...ARGS, ...more]);
    await hold.arrived();
    const theirs = join(dirname(server.home), 'theirs');
    await writeFile(theirs, THEIRS);
    await rename(theirs, target);
    await hold.release();
    return run.end();
  }

  it.each([
    ['proftpd', 'an old one', SERVERS.proftpd] as const,
    ...byTier([], [
      ['sshd', 'none', SERVERS.sshd],
      ['sshd', 'an old one', SERVERS.sshd],
      ['proftpd', 'none', SERVERS.proftpd],
    ] as const),
  ])('12, and theirs stays: %s, before: %s', async (_, before, start) => {
    const server = await start();
    const target = join(server.home, NAME);
    if (before === 'an old one') await placePartial(server, target, Buffer.from('old'));
    const source = await sourceForTest(SIZE);
    const run = await overtaken(server, source, []);
    expect(run.code, run.stderr).toBe(12);
    expect(resultOf(run).error).toMatchObject({ code: 'target-busy', message: expect.stringContaining(NAME) });
    expect(await readFile(target, 'utf8')).toBe(THEIRS);
    const again = await putJson(source, { server, path: NAME }, ARGS);
    expect(again.code, again.stderr).toBe(0);
    expect(await sha256Of(target)).toBe(source.sha256);
  });

  it.each(ON_SSHD)('12 with --inplace, where another file has its name: %s', async (_, start) => {
    const server = await start();
    const target = join(server.home, NAME);
    await placePartial(server, target, Buffer.from('old'));
    const run = await overtaken(server, await sourceForTest(SIZE), ['--inplace']);
    expect(run.code, run.stderr).toBe(12);
    expect(resultOf(run).error).toMatchObject({ code: 'target-busy', message: expect.stringContaining(NAME) });
    expect(await readFile(target, 'utf8')).toBe(THEIRS);
  });

  it('12 with --inplace, where a part is written that was verified, and the times are put back', async () => {
    const server = await sshdForTest();
    const target = join(server.home, NAME);
    const source = await sourceForTest(SIZE);
    const machine = await machineForTest(server, { name: 'one', isHurried: true });
    // Each piece is asked about when it has arrived, and once more before the end: at that moment the other program
    // writes.
    const piece = { offset: 2 * 65_536, length: 65_536 };
    const question = `r sha256 ${piece.offset} ${piece.length} `;
    const hold = machine.relay.hold((bytes) => bytes.includes(question), 1);
    const run = await machine.put(source.path, NAME, [...ARGS, '--inplace']);
    await hold.arrived();
    const { atime, mtime } = await stat(target);
    await writeInto(target, piece.offset + 1000, THEIRS);
    await utimes(target, atime, mtime);
    await hold.release();
    const end = await run.end();
    expect(end.code, end.stderr).toBe(12);
    expect(resultOf(end).error).toMatchObject({
      code: 'target-busy',
      message: expect.stringMatching(/^Another program writes into .*x\.bin too/),
      advice: expect.stringContaining('End that program'),
    });
  });

  it.each(ON_PROFTPD)('12 with --inplace, where it is written after it was complete: %s', async (_, start) => {
    const server = await start();
    const target = join(server.home, NAME);
    const source = await sourceForTest(SIZE);
    const machine = await machineForTest(server, { name: 'one', isHurried: true });
    const closing = machine.relay.hold(requests('fsetstat'));
    const run = await machine.put(source.path, NAME, [...ARGS, '--inplace']);
    await closing.arrived();
    const looking = machine.relay.hold(requests('stat'));
    await closing.release();
    await looking.arrived();
    await appendFile(target, THEIRS);
    await looking.release();
    const end = await run.end();
    expect(end.code, end.stderr).toBe(12);
    expect(resultOf(end).error).toMatchObject({ code: 'target-busy' });
    expect((await stat(target)).size).toBe(SIZE + THEIRS.length);
  });
});
