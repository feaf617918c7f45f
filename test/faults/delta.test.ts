/** Files of which the target has an older version: what is still right of that is not transferred. */
import { randomBytes } from 'node:crypto';
import { appendFile, copyFile, open, readdir, stat, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { NAME, sceneForTest } from '../support/copy-scene.ts';
import { describeWithServers } from '../support/describe-with-servers.ts';
import type { Direction } from '../support/directions.ts';
import { proftpdForTest, type SourceForTest, sshdForTest } from '../support/for-one-test.ts';
import { giveTo } from '../support/give-to.ts';
import type { LiveRun } from '../support/live-run.ts';
import { machineForTest } from '../support/machines.ts';
import { eventsOf, type JsonRun } from '../support/mtput.ts';
import { partialsOf } from '../support/partials.ts';
import { sha256Of, writeRandomFile } from '../support/random-file.ts';
import { requests } from '../support/ssh-relay.ts';
import type { TestServer } from '../support/test-server.ts';
import { byTier, inLongerTiers } from '../support/tier.ts';

const MIB = 1024 * 1024;
const PIECE = byTier(128, 256) * 1024;
const PIECES = 64;
const SIZE = PIECE * PIECES;
const GRID = { pieceSize: PIECE, size: SIZE };
/** A disk image, with the usual pieces. */
const LARGE = { pieceSize: 4 * MIB, size: 2048 * MIB };
const ARGS = argsFor(GRID);
/** Pieces that are different in the old file. */
const CHANGED = [3, 21, 50];

const SERVERS = {
  'copy-data': () => sshdForTest(),
  'a shell': () => sshdForTest({ sftpOptions: '-P copy-data' }),
  'copy-file': () => proftpdForTest(),
} as const;
type Kind = keyof typeof SERVERS;
/**
 * For uploads, the server has to copy; for downloads, hashing is enough. In the quick tier old files of another length
 * show both directions with copy-data.
 */
const COPYING: readonly (readonly [Direction, Kind])[] = [
  ['up', 'copy-data'],
  ['up', 'a shell'],
  ['up', 'copy-file'],
  ['down', 'copy-data'],
  ['down', 'copy-file'],
];
/** In the quick tier each direction and each option once. */
const OPTIONS: readonly (readonly [Direction, readonly string[]])[] = [
  ['up', []],
  ['up', ['--inplace']],
  ['down', []],
  ['down', ['--inplace']],
];
const FEW_OPTIONS = [OPTIONS[0]!, OPTIONS[3]!];
/** Nothing has to be copied where the target itself is written. */
const IN_PLACE = COPYING.filter(([, kind]) => kind !== 'a shell');
/** Where another file is written than the one that is shown. */
const HIDING: readonly (readonly [string, readonly string[]])[] = [
  ['HiddenStores on', []],
  ['HiddenStores on', ['-n', '1']],
  ['HiddenStores on', ['--verify', 'size']],
  ['HiddenStores ".in." ".%P"', []],
];

interface Grid {
  readonly pieceSize: number;
  /** Of the file, in bytes. */
  readonly size: number;
}

function argsFor({ pieceSize }: Grid): string[] {
  // Versions of the same size, written within one second, would count as up to date.
  return ['--force', '-n', byTier('2', '4'), '-s', `${pieceSize}B`];
}

/** Makes `path` a version of `of` in which some pieces are different. */
async function makeOlder(of: string, path: string, pieces: readonly number[], { pieceSize }: Grid): Promise<void> {
  await copyFile(of, path);
  const file = await open(path, 'r+');
  for (const piece of pieces) await file.write(Buffer.from('changed'), 0, 7, piece * pieceSize + 1000);
  await file.close();
}

/** A new version on one side and an old one on the other, which it replaces. */
interface Versions {
  readonly server: TestServer;
  readonly newer: SourceForTest;
  /** Where the old version is, which is the target. */
  readonly old: string;
  copy(args?: readonly string[]): Promise<JsonRun>;
  start(args: readonly string[]): Promise<LiveRun>;
}

async function versionsFor(
  direction: Direction,
  start: () => Promise<TestServer>,
  pieces: readonly number[] = CHANGED,
  grid: Grid = GRID,
): Promise<Versions> {
  const { server, source, directory, ...scene } = await sceneForTest(direction, await start(), grid.size);
  const old = join(directory, NAME);
  await makeOlder(source.path, old, pieces, grid);
  if (direction === 'up') await giveTo(server, old);
  const args = argsFor(grid);
  return {
    server,
    newer: source,
    old,
    copy: (more = []) => scene.run([...args, ...more]),
    start: (more) => scene.start([...args, ...more]),
  };
}

async function expectReplaced(run: JsonRun, { old, newer }: Versions): Promise<void> {
  expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
  expect(await sha256Of(old)).toBe(newer.sha256);
  expect(await readdir(dirname(old))).toEqual([NAME]);
}

function resultOf(run: JsonRun) {
  return eventsOf(run, 'result')[0]!;
}

function expectOnlyChanged(run: JsonRun, missing: number = 0, { pieceSize, size }: Grid = GRID): void {
  const { bytesSent, bytesResumed } = resultOf(run);
  // Of a piece that is partly right, only its wrong parts are sent.
  expect(bytesSent).toBeGreaterThan(0);
  expect(bytesSent).toBeLessThanOrEqual(missing + CHANGED.length * pieceSize);
  expect(bytesResumed).toBe(size - bytesSent);
  expect(reasonsOf(run)).toEqual([]);
}

/** Why nothing was taken from the old file. */
function reasonsOf(run: JsonRun): string[] {
  return eventsOf(run, 'notice').flatMap(({ code, message }) => (code === 'not-copied' ? [message] : []));
}

describeWithServers(['sshd', 'proftpd'], 'copies over an older version', () => {
  it.each(byTier(COPYING.slice(1, 3), COPYING))(
    'no more than what is different is sent: %s, %s',
    async (direction, kind) => {
      const versions = await versionsFor(direction, SERVERS[kind]);
      const run = await versions.copy();
      await expectReplaced(run, versions);
      expectOnlyChanged(run);
    },
  );

  inLongerTiers(() => {
    it.each(OPTIONS)(
      'of 2 GiB, no more than three pieces are sent: %s %s',
      { timeout: 180_000 },
      async (direction, option) => {
        const versions = await versionsFor(direction, SERVERS['copy-data'], CHANGED, LARGE);
        const run = await versions.copy(option);
        await expectReplaced(run, versions);
        expectOnlyChanged(run, 0, LARGE);
      },
    );
  });

  it.each(byTier(IN_PLACE.slice(1, 2), IN_PLACE))('nor with --inplace: %s, %s', async (direction, kind) => {
    const versions = await versionsFor(direction, SERVERS[kind]);
    const { ino } = await stat(versions.old);
    const run = await versions.copy(['--inplace']);
    await expectReplaced(run, versions);
    expectOnlyChanged(run);
    expect((await stat(versions.old)).ino).toBe(ino);
  });

  const LENGTHS = [
    ['longer', (SIZE * 5) / 4, 0],
    ['shorter', SIZE / 2 + 1000, SIZE / 2],
  ] as const;
  const ALL_LENGTHS = OPTIONS.flatMap(([direction, option]) =>
    LENGTHS.map((one) => [direction, option, ...one] as const),
  );
  it.each(ALL_LENGTHS.filter((_, index) => byTier([0, 3, 5, 6].includes(index), true)))(
    'the old file may be of another length: %s %s, %s',
    async (direction, option, _, length, missing) => {
      const versions = await versionsFor(direction, SERVERS['copy-data']);
      await truncate(versions.old, length);
      const { ino } = await stat(versions.old);
      const run = await versions.copy(option);
      await expectReplaced(run, versions);
      expectOnlyChanged(run, missing);
      expect((await stat(versions.old)).ino === ino).toBe(option.includes('--inplace'));
    },
  );

  it('a copy by the server that would take much longer than it could save is not made', async () => {
    const versions = await versionsFor('up', SERVERS['copy-data']);
    await truncate(versions.old, 3 * SIZE);
    const run = await versions.copy();
    await expectReplaced(run, versions);
    expect(resultOf(run)).toMatchObject({ bytesSent: SIZE, bytesResumed: 0 });
  });

  it.each(byTier(FEW_OPTIONS, OPTIONS))(
    'where nothing is the same, everything is sent, and once: %s %s',
    async (direction, option) => {
      const versions = await versionsFor(direction, SERVERS['copy-data']);
      await writeRandomFile(versions.old, SIZE);
      const run = await versions.copy(option);
      await expectReplaced(run, versions);
      expect(resultOf(run)).toMatchObject({ bytesSent: SIZE, bytesResumed: 0 });
      expect(reasonsOf(run)).toEqual([]);
    },
  );

  // Both directions ask the same code, before they do anything that differs.
  it.each(byTier(FEW_OPTIONS.slice(0, 1), OPTIONS))(
    'where the server cannot hash, everything is sent, and it is told why: %s %s',
    async (direction, option) => {
      const versions = await versionsFor(direction, SERVERS['copy-data']);
      const run = await versions.copy(['--digest-provider', 'none', ...option]);
      await expectReplaced(run, versions);
      expect(resultOf(run)).toMatchObject({ bytesSent: SIZE, bytesResumed: 0 });
      expect(reasonsOf(run)).toEqual([
        expect.stringMatching(/Nothing is taken from the old .*: the server cannot .* hash/),
      ]);
    },
  );

  it('where the server cannot copy, everything is sent, and it is told why', async () => {
    // proftpd hashes within SFTP, and runs no commands.
    const versions = await versionsFor('up', () => proftpdForTest('SFTPExtensions -copyFile'));
    const run = await versions.copy();
    await expectReplaced(run, versions);
    expect(resultOf(run)).toMatchObject({ bytesSent: SIZE, bytesResumed: 0 });
    expect(reasonsOf(run)).toEqual([
      expect.stringMatching(/Nothing is taken from the old .*: the server cannot copy it/),
    ]);
  });

  it.each(byTier([OPTIONS[1]!, OPTIONS[2]!], OPTIONS))(
    'with --no-resume, everything is sent: %s %s',
    async (direction, option) => {
      const versions = await versionsFor(direction, SERVERS['copy-data']);
      const run = await versions.copy(['--no-resume', ...option]);
      await expectReplaced(run, versions);
      expect(resultOf(run)).toMatchObject({ bytesSent: SIZE, bytesResumed: 0 });
    },
  );

  // In the quick tier an upload is killed here, and a download with --inplace below.
  it.each(byTier(COPYING.slice(0, 1), COPYING))(
    'a run that was killed is continued, and the old file is intact until then: %s, %s',
    async (direction, kind) => {
      const versions = await halfDifferent(direction, kind);
      const before = await sha256Of(versions.old);
      await killInTheMiddle(versions);
      expect(await sha256Of(versions.old)).toBe(before);

      const run = await versions.copy();
      await expectReplaced(run, versions);
      expect(resultOf(run).bytesSent).toBeLessThan(SIZE / 2);
    },
  );

  it.each(byTier(IN_PLACE.slice(2, 3), IN_PLACE))(
    'so it is with --inplace, and what the first run sent is not sent again: %s, %s',
    async (direction, kind) => {
      const versions = await halfDifferent(direction, kind);
      await killInTheMiddle(versions, ['--inplace']);
      const run = await versions.copy(['--inplace']);
      await expectReplaced(run, versions);
      expect(resultOf(run).bytesSent).toBeLessThan(SIZE / 2);
    },
  );

  it.each(byTier(HIDING.slice(0, 1), HIDING))(
    '%s, %j: nothing of the old file is relied on with --inplace',
    async (directive, args) => {
      const versions = await versionsFor('up', () => proftpdForTest(directive));
      const run = await versions.copy(['--inplace', ...args]);
      await expectReplaced(run, versions);
      expect(resultOf(run)).toMatchObject({ bytesSent: SIZE, bytesResumed: 0 });
    },
  );

  it('what a partial file lacks is taken from the old file: down', async () => {
    const versions = await versionsFor('down', SERVERS['copy-data']);
    const live = await versions.start(['--limit', `${SIZE / 8}B`]);
    await live.event('file', ({ state }) => state === 'started');
    live.kill('SIGKILL');
    await live.end();
    // Nearly nothing is in the partial file, wherever the run was killed.
    for (const path of await partialsOf(dirname(versions.old), NAME)) await truncate(path, PIECE);
    const run = await versions.copy();
    await expectReplaced(run, versions);
    expectOnlyChanged(run);
  });

  it('an old file that is changed meanwhile is not replaced: up', async () => {
    const versions = await versionsFor('up', SERVERS['copy-data']);
    const { server, newer, old } = versions;
    const machine = await machineForTest(server, { name: 'one' });
    const copied = machine.relay.hold(requests('extended', 'copy-data'));
    const run = await machine.put(newer.path, NAME, ARGS);
    await copied.arrived();
    await appendFile(old, 'by somebody else');
    const changed = await sha256Of(old);
    await copied.release();
    const end = await run.end();
    expect(end.code, end.stderr).toBe(12);
    expect(await sha256Of(old)).toBe(changed);
  });
});

/** Every second piece is different as a whole, so that half of the file has to be sent. */
async function halfDifferent(direction: Direction, kind: Kind): Promise<Versions> {
  const half = Array.from({ length: PIECES / 2 }, (_, index) => 2 * index + 1);
  const versions = await versionsFor(direction, SERVERS[kind], half);
  const file = await open(versions.old, 'r+');
  for (const piece of half) await file.write(randomBytes(PIECE), 0, PIECE, piece * PIECE);
  await file.close();
  return versions;
}

/** Kills a run when an eighth of the file was sent. */
async function killInTheMiddle(versions: Versions, args: readonly string[] = []): Promise<void> {
  const live = await versions.start([...args, '--limit', `${SIZE / 8}B`]);
  const { bytesResumed } = await live.event('progress', (now) => now.bytesDone > now.bytesResumed + SIZE / 8);
  live.kill('SIGKILL');
  await live.end();
  expect(bytesResumed).toBeGreaterThan(0);
}
