/** Two machines upload different files to one target, and what the first one has sent arrives late. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { proftpdForTest, sourceForTest, sshdForTest, tempDirForTest } from './for-one-test.ts';
import type { RequestMatch } from './held-requests.ts';
import type { LiveRun } from './live-run.ts';
import { type Machine, machineForTest } from './machines.ts';
import { eventsOf, type JsonRun } from './mtput.ts';
import type { Factors } from './pairwise.ts';
import { sha256Of } from './random-file.ts';
import { anyOf, publishingRename, requests, shellCopy } from './ssh-relay.ts';
import { watchTarget } from './target-watcher.ts';
import type { TestServer } from './test-server.ts';
import { byTier } from './tier.ts';

const NAME = 'x.bin';
const SIZE = byTier(2_000_000, 4_000_000);
/** Of a piece; the run has several, so that it has a journal, and can be cut off. */
const ARGS = ['-s', byTier('128K', '256K'), '--stall-timeout', '120s'];
/** How much longer the file of the second machine is. */
const DIFFERENCES: Readonly<Record<LateRow['second'], number>> = {
  'as long': 0,
  shorter: -SIZE / 4,
  longer: SIZE / 4,
};
/** Requests that pass before a WRITE is held: a part of the file is there by then. */
const WRITES_TO_PASS = 12;

export interface LateRow {
  readonly server: 'sshd' | 'sshd without copy-data' | 'proftpd';
  /** Whether it can hash: sshd by its shell, which copies too where nothing else does, proftpd by check-file. */
  readonly hashes: boolean;
  /** The request that is late. */
  readonly late: 'WRITE' | 'RENAME' | 'REMOVE' | 'copy';
  /** What a run of the first machine left before. */
  readonly earlier: 'nothing' | 'a part, with its journal' | 'a part, without its journal' | 'a part of another source';
  readonly first: 'recovers' | 'is killed';
  readonly arrives: 'while the second sends' | 'when the second has published';
  readonly oldTarget: boolean;
  /** One directory on a file server for both, or one each. */
  readonly stateDir: 'shared' | 'own';
  /** Of each run. */
  readonly connections: 1 | 2;
  /** The file of the second machine, beside that of the first. */
  readonly second: 'as long' | 'shorter' | 'longer';
}

export const LATE_FACTORS: Factors<LateRow> = {
  server: ['sshd', 'proftpd', 'sshd without copy-data'],
  hashes: [true, false],
  late: ['WRITE', 'RENAME', 'REMOVE', 'copy'],
  earlier: ['nothing', 'a part, with its journal', 'a part, without its journal', 'a part of another source'],
  first: ['recovers', 'is killed'],
  arrives: ['while the second sends', 'when the second has published'],
  oldTarget: [false, true],
  stateDir: ['own', 'shared'],
  connections: [2, 1],
  second: ['as long', 'shorter', 'longer'],
};

/** Rows in which the first run sends such a request at all. How a server copies makes no difference to the others. */
export function sendsIt({ server, late, earlier, hashes }: LateRow): boolean {
  if (server === 'sshd without copy-data' && late !== 'copy') return false;
  // The server copies what somebody left whose digests can be compared.
  if (late === 'copy') return hashes && earlier === 'a part, without its journal';
  // What was copied is removed, as is what was staged of another source.
  if (late === 'REMOVE') return earlier === 'a part of another source';
  return true;
}

export function nameOfRow(row: LateRow): string {
  const { server, hashes, late, earlier, first, arrives, oldTarget, stateDir, connections, second } = row;
  const how = `${server}${hashes ? '' : ' that cannot hash'}${oldTarget ? ', an old target' : ''}, ${stateDir} state, -n ${connections}, the second file ${second}`;
  return `${late} (${how}; ${earlier} left before): the first ${first}, it arrives ${arrives}`;
}

const MATCHES: Readonly<Record<LateRow['late'], RequestMatch>> = {
  WRITE: requests('write'),
  RENAME: publishingRename,
  REMOVE: requests('remove'),
  copy: anyOf(requests('extended', 'copy-data'), requests('extended', 'copy-file'), shellCopy),
};

export function startServer({ server, hashes }: Pick<LateRow, 'server' | 'hashes'>): Promise<TestServer> {
  if (server === 'sshd') return sshdForTest({ forceSftp: !hashes });
  if (server === 'sshd without copy-data') return sshdForTest({ sftpOptions: '-P copy-data' });
  return proftpdForTest(...(hashes ? [] : ['SFTPExtensions -checkFile']));
}

/** A run that is killed when half of the file has arrived, and nobody writes its partial file any more. */
async function leavePart({ put }: Machine, source: string, server: TestServer, args: readonly string[]): Promise<void> {
  const run = await put(source, NAME, [...args, '--limit', `${SIZE / 2}B`]);
  await run.event('progress', ({ bytesDone }) => bytesDone > SIZE / 2);
  run.kill();
  await run.end();
  await server.killSessions();
}

function failsAs(run: JsonRun): string {
  return `${eventsOf(run, 'result')[0]?.error?.message}\n${run.stderr}`;
}

/** Runs one row, and asserts what must hold in all of them. */
export async function runLate(row: LateRow): Promise<void> {
  const { late, earlier, first, arrives, oldTarget, stateDir, connections, second } = row;
  const args = ['-n', `${connections}`, ...ARGS];
  const server = await startServer(row);
  const [a, b] = [await sourceForTest(SIZE), await sourceForTest(SIZE + DIFFERENCES[second])];
  const target = join(server.home, NAME);
  const shared = (await tempDirForTest()).path;
  const state = stateDir === 'shared' ? { stateDir: shared } : {};
  const one = await machineForTest(server, { name: 'one', stateDir: join(shared, 'one'), ...state });
  const two = await machineForTest(server, { name: 'two', stateDir: join(shared, 'two'), ...state });
  const allowed = new Set(['missing', a.sha256, b.sha256]);
  if (oldTarget) {
    await writeFile(target, 'old');
    allowed.add(await sha256Of(target));
  }
  if (earlier !== 'nothing') await leavePart(one, a.path, server, args);
  if (earlier === 'a part, without its journal')
    await rm(stateDir === 'shared' ? shared : join(shared, 'one'), { recursive: true });
  if (earlier === 'a part of another source') {
    const bytes = await readFile(a.path);
    await writeFile(a.path, bytes.reverse());
    allowed.add(await sha256Of(a.path));
    allowed.delete(a.sha256);
  }
  const contentA = await sha256Of(a.path);

  const watcher = watchTarget(target);
  const hold = one.relay.hold(MATCHES[late], late === 'WRITE' ? WRITES_TO_PASS : 0);
  const firstRun = await one.put(a.path, NAME, args);
  await hold.arrived();
  if (first === 'is killed') {
    firstRun.kill();
    await firstRun.end();
  }
  const secondRun = await overtake(two, b.path, args, arrives, () => hold.release());
  const firstEnd = await firstRun.end(100_000);
  await watcher.look();
  await watcher.stop();

  const final = await sha256Of(target);
  const appeared = watcher.seen.findIndex((content) => content !== 'missing');
  expect(watcher.seen.slice(appeared), 'it never vanishes').not.toContain('missing');
  expect(
    watcher.seen.filter((content) => !allowed.has(content)),
    'what is neither of the sources',
  ).toEqual([]);
  expect([contentA, b.sha256], 'one of the sources').toContain(final);
  expect([0, 12], failsAs(secondRun)).toContain(secondRun.code);
  if (first === 'recovers') expect([0, 12, 10, 5], failsAs(firstEnd)).toContain(firstEnd.code);
  // A run that succeeded has published its source. Where both have, in the same moment, only the later one may be seen.
  const haveBoth = firstEnd.code === 0 && secondRun.code === 0;
  if (firstEnd.code === 0 && !haveBoth) expect(watcher.seen).toContain(contentA);
  if (secondRun.code === 0 && !haveBoth) expect(watcher.seen).toContain(b.sha256);
  if (arrives !== 'when the second has published' || secondRun.code !== 0) return;
  // What was complete before may be published by a RENAME, wherever that is late; nothing else changes what is
  // published.
  if (late === 'RENAME') return;
  expect(final, 'what the second has published').toBe(b.sha256);
  if (first === 'recovers' && late !== 'REMOVE') expect(firstEnd.code, failsAs(firstEnd)).toBe(12);
}

/** The second machine uploads; `release` lets the late requests go at the moment that the row names. */
async function overtake(
  two: Machine,
  source: string,
  args: readonly string[],
  arrives: LateRow['arrives'],
  release: () => Promise<void>,
): Promise<JsonRun> {
  const hold = arrives === 'while the second sends' ? two.relay.hold(requests('write'), WRITES_TO_PASS) : undefined;
  const run: LiveRun = await two.put(source, NAME, args);
  if (hold === undefined) {
    const end = await run.end(100_000);
    await release();
    return end;
  }
  await hold.arrived();
  await release();
  await hold.release();
  return run.end(100_000);
}

/** The run is killed after its RENAME was sent, the source changes, and the command is run again. */
export async function runChangedSource(
  row: Pick<LateRow, 'server' | 'hashes' | 'arrives' | 'oldTarget'>,
): Promise<void> {
  const server = await startServer(row);
  const source = await sourceForTest(SIZE);
  const target = join(server.home, NAME);
  if (row.oldTarget) await writeFile(target, 'old');
  const before = row.oldTarget ? await sha256Of(target) : 'missing';
  const machine = await machineForTest(server, { name: 'one' });
  const watcher = watchTarget(target);
  const hold = machine.relay.hold(MATCHES.RENAME);
  const args = ['-n', '2', ...ARGS];
  const run = await machine.put(source.path, NAME, args);
  await hold.arrived();
  hold.takeNoMore();
  run.kill();
  await run.end();
  await writeFile(source.path, (await readFile(source.path)).reverse());
  const changed = await sha256Of(source.path);
  const secondRun = await overtake(machine, source.path, args, row.arrives, () => hold.release());
  await watcher.look();
  await watcher.stop();
  const allowed = [before, source.sha256, changed];
  expect(
    watcher.seen.filter((content) => !allowed.includes(content)),
    'what is neither',
  ).toEqual([]);
  expect([0, 12], failsAs(secondRun)).toContain(secondRun.code);
  const final = await sha256Of(target);
  if (secondRun.code === 0) expect(final).toBe(changed);
  else expect(allowed).toContain(final);
}
