/** What every piece runner must do, whatever thread its connections live on. */
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Counters } from '../../../src/engine/counters.ts';
import type { PieceRunner, RunnerCommand, RunnerReport } from '../../../src/engine/piece-runner.ts';
import { startRateLimiter } from '../../../src/engine/rate-limiter.ts';
import { CopyError } from '../../../src/errors.ts';
import type { Range, StageToken } from '../../../src/remotes/remote.ts';
import type { MemoryFaults } from '../../support/memory-remote.ts';
import { writeRandomFile } from '../../support/random-file.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait-for.ts';

/** A runner on a remote in memory, wherever both may live. */
export interface RunnerUnderTest {
  readonly runner: PieceRunner;
  /** A token of a staged file that its connections can join. */
  readonly token: StageToken;
  /** Cuts a connection. */
  lose(connection: number): void | Promise<void>;
  /** Lets acknowledgements through that `holdAcknowledgements` holds back. */
  release(): void | Promise<void>;
  /** The bytes of the staged file. */
  contents(): Buffer | Promise<Buffer>;
  /** Connections that are open at the far side. */
  open(): readonly number[] | Promise<readonly number[]>;
}

export type MakeRunner = (faults: Partial<MemoryFaults>, counters: Counters) => Promise<RunnerUnderTest>;

const KIB = 1024;
const SIZE = 1024 * KIB;
const SLICE = 32 * KIB;

type ReportOf<K extends RunnerReport['kind']> = Extract<RunnerReport, { kind: K }>;

class Harness {
  readonly under: RunnerUnderTest;
  readonly counters: Counters;
  readonly reports: RunnerReport[] = [];
  readonly source: Buffer;
  readonly fd: number;
  /** Set while `post` runs: nothing may be reported meanwhile. */
  #posting = false;
  reportedInsidePost = false;

  constructor(under: RunnerUnderTest, counters: Counters, source: Buffer, fd: number) {
    this.under = under;
    this.counters = counters;
    this.source = source;
    this.fd = fd;
    under.runner.onReport((report) => {
      this.reportedInsidePost ||= this.#posting;
      this.reports.push(structuredClone(report));
    });
  }

  post(command: RunnerCommand): void {
    this.#posting = true;
    this.under.runner.post(structuredClone(command));
    this.#posting = false;
  }

  send(task: number, connection: number, range: Range): void {
    this.post({ kind: 'send', task, connection, fd: this.fd, of: this.under.token, range });
  }

  of<K extends RunnerReport['kind']>(kind: K): ReportOf<K>[] {
    return this.reports.filter((report): report is ReportOf<K> => report.kind === kind);
  }

  async next<K extends RunnerReport['kind']>(kind: K, count = 1): Promise<ReportOf<K>> {
    await waitFor(() => this.of(kind).length >= count, { what: `${count} × ${kind}`, pollMs: 2 });
    return this.of(kind)[count - 1]!;
  }

  async open(...connections: number[]): Promise<void> {
    const before = this.of('opened').length;
    for (const connection of connections) this.post({ kind: 'open', connection });
    await this.next('opened', before + connections.length);
  }

  /** Acknowledged bytes of a task by its reports; no byte may be reported twice. */
  acknowledged(task: number): number {
    const parts = this.of('progress')
      .filter((report) => report.task === task)
      .flatMap((report) => report.acknowledged)
      .sort((a, b) => a.offset - b.offset);
    parts.reduce((end, part) => {
      expect(part.offset, 'acknowledged twice').toBeGreaterThanOrEqual(end);
      return part.offset + part.length;
    }, 0);
    return parts.reduce((sum, { length }) => sum + length, 0);
  }

  kindsOf(task: number): string[] {
    return this.reports.filter((report) => 'task' in report && report.task === task).map(({ kind }) => kind);
  }
}

const lostError = expect.objectContaining({ code: 'connection-lost', scope: 'connection' });

export function pieceRunnerCompliance(name: string, make: MakeRunner): void {
  async function start(faults: Partial<MemoryFaults> = {}): Promise<Harness> {
    const dir = await makeTempDir('runner');
    await writeRandomFile(dir.file('source'), SIZE);
    const fd = openSync(dir.file('source'), 'r');
    const counters = new Counters();
    const under = await make({ sliceLength: SLICE, depth: 2, ...faults }, counters);
    onTestFinished(async () => {
      await under.release();
      await under.runner.end();
      closeSync(fd);
      await dir.remove();
    });
    return new Harness(under, counters, await readFile(dir.file('source')), fd);
  }

  describe(`${name} as a piece runner`, () => {
    test('opens a connection, tells what it is, and is silent about it until told otherwise', async () => {
      const harness = await start();
      await harness.open(1);
      expect(harness.reports).toEqual([
        { kind: 'admitted', connection: 1 },
        expect.objectContaining({ kind: 'opened', connection: 1, description: expect.any(String) }),
      ]);
      expect(harness.of('opened')[0]!.abilities.writers).toBe('many');
    });

    test('tells why a connection could not be opened, and opens the same number later', async () => {
      const error = new CopyError('connection-refused', 'Full.').toData();
      const harness = await start({ failConnect: { 3: [error] } });
      harness.post({ kind: 'open', connection: 3 });
      expect((await harness.next('open-failed')).error).toEqual(error);
      await harness.open(3);
      expect(await harness.under.open()).toEqual([3]);
    });

    test('reports an open connection that is cut as lost, once, with the reason', async () => {
      const harness = await start();
      await harness.open(1, 2);
      await harness.under.lose(2);
      expect(await harness.next('lost')).toEqual({ kind: 'lost', connection: 2, error: lostError });
      await harness.open(2);
      expect(harness.of('lost')).toHaveLength(1);
    });

    test('reports a connection that was closed as told as lost, without an error', async () => {
      const harness = await start();
      await harness.open(1);
      harness.post({ kind: 'close', connection: 1 });
      expect(await harness.next('lost')).toEqual({ kind: 'lost', connection: 1 });
      expect(await harness.under.open()).toEqual([]);
    });

    test('stops dialling when told to close', async () => {
      const harness = await start({ hangConnect: [1] });
      harness.post({ kind: 'open', connection: 1 });
      harness.post({ kind: 'close', connection: 1 });
      const { error } = await harness.next('open-failed');
      expect(error.code).toBe('cancelled');
      expect(harness.of('opened')).toEqual([]);
      expect(await harness.under.open()).toEqual([]);
    });

    // However far the dialling has come, the close wins.
    test.each([0, 1, 2, 3, 4, 5, 6])('closing %i turns after the dialling began leaves nothing open', async (turns) => {
      const harness = await start();
      harness.post({ kind: 'open', connection: 1 });
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      harness.post({ kind: 'close', connection: 1 });
      await waitFor(() => harness.of('lost').length + harness.of('open-failed').length > 0, { what: 'the end' });
      expect(await harness.under.open()).toEqual([]);
    });

    test('sends a range: parts are acknowledged, then taken, then ended', async () => {
      const harness = await start();
      await harness.open(1);
      const range = { offset: 5000, length: 300_000 };
      harness.send(7, 1, range);
      const ended = await harness.next('ended');
      expect(ended).toEqual({ kind: 'ended', task: 7 });
      expect(harness.acknowledged(7)).toBe(range.length);
      expect(harness.of('taken')).toEqual([{ kind: 'taken', task: 7 }]);
      expect(harness.kindsOf(7).at(-1)).toBe('ended');
      expect(harness.counters.acknowledged(1)).toBe(range.length);
      expect(harness.counters.inFlight(1)).toBe(0);
      const there = await harness.under.contents();
      expect(there.subarray(5000, 305_000).equals(harness.source.subarray(5000, 305_000))).toBe(true);
      expect(there.subarray(0, 5000).equals(Buffer.alloc(5000)), 'nothing beside the range').toBe(true);
    });

    test('tells that a task is taken while its acknowledgements are still under way', async () => {
      const harness = await start({ holdAcknowledgements: true, depth: 64 });
      await harness.open(1);
      harness.send(1, 1, { offset: 0, length: 3 * SLICE });
      await harness.next('taken');
      expect(harness.of('ended')).toEqual([]);
      expect(harness.acknowledged(1)).toBe(0);
      expect(harness.counters.inFlight(1)).toBe(3 * SLICE);
      harness.send(2, 1, { offset: 3 * SLICE, length: SLICE });
      await harness.next('taken', 2);
      await harness.under.release();
      await harness.next('ended', 2);
      expect(harness.acknowledged(1) + harness.acknowledged(2)).toBe(4 * SLICE);
    });

    test('keeps what was taken when a task is cut, and tells how much that is', async () => {
      const harness = await start({ holdAcknowledgements: true, depth: 2 });
      await harness.open(1);
      harness.send(1, 1, { offset: SLICE, length: 10 * SLICE });
      await waitFor(() => harness.counters.inFlight(1) === 2 * SLICE, { what: 'two slices in flight' });
      harness.post({ kind: 'shorten', task: 1, length: 5 * SLICE });
      expect((await harness.next('shortened')).length).toBe(5 * SLICE);
      harness.post({ kind: 'shorten', task: 1, length: 0 });
      expect((await harness.next('shortened', 2)).length).toBe(2 * SLICE);
      await harness.next('taken');
      await harness.under.release();
      expect(await harness.next('ended')).toEqual({ kind: 'ended', task: 1 });
      expect(harness.acknowledged(1)).toBe(2 * SLICE);
      expect(harness.of('taken')).toHaveLength(1);
      expect(harness.counters.acknowledged(1)).toBe(2 * SLICE);
    });

    test('a task cannot be made longer', async () => {
      const harness = await start({ holdAcknowledgements: true, depth: 1 });
      await harness.open(1);
      harness.send(1, 1, { offset: 0, length: 3 * SLICE });
      harness.post({ kind: 'shorten', task: 1, length: 99 * SLICE });
      expect((await harness.next('shortened')).length).toBe(3 * SLICE);
    });

    test('a task cut to nothing before it took anything ends well, with nothing acknowledged', async () => {
      const harness = await start();
      await harness.open(1);
      harness.counters.limit();
      harness.send(1, 1, { offset: 0, length: 4 * SLICE });
      harness.post({ kind: 'shorten', task: 1, length: 0 });
      expect((await harness.next('shortened')).length).toBe(0);
      expect(await harness.next('ended')).toEqual({ kind: 'ended', task: 1 });
      expect(harness.acknowledged(1)).toBe(0);
      expect((await harness.under.contents()).length).toBe(0);
    });

    test('a cut that comes when all is taken changes nothing', async () => {
      const harness = await start({ holdAcknowledgements: true, depth: 8 });
      await harness.open(1);
      harness.send(1, 1, { offset: 0, length: 4 * SLICE });
      await harness.next('taken');
      harness.post({ kind: 'shorten', task: 1, length: SLICE });
      expect((await harness.next('shortened')).length).toBe(4 * SLICE);
      await harness.under.release();
      await harness.next('ended');
      expect(harness.acknowledged(1)).toBe(4 * SLICE);
    });

    test('a cut that comes after the last word is not answered', async () => {
      const harness = await start();
      await harness.open(1);
      harness.send(1, 1, { offset: 0, length: SLICE });
      await harness.next('ended');
      harness.post({ kind: 'shorten', task: 1, length: 0 });
      harness.send(2, 1, { offset: SLICE, length: SLICE });
      await harness.next('ended', 2);
      expect(harness.of('shortened')).toEqual([]);
    });

    test('a task on a lost connection ends as failed before the loss is told, what came through is acknowledged', async () => {
      const harness = await start({ loseAfter: { 1: [5 * SLICE] } });
      await harness.open(1);
      harness.send(1, 1, { offset: 0, length: SIZE });
      await harness.next('lost');
      expect(harness.of('ended')).toEqual([{ kind: 'ended', task: 1, error: lostError }]);
      expect(harness.reports.at(-1)!.kind).toBe('lost');
      expect(harness.acknowledged(1)).toBe(5 * SLICE);
      expect(harness.counters.inFlight(1)).toBe(0);
    });

    test('a task on a connection that is not open fails at once', async () => {
      const harness = await start();
      harness.send(1, 9, { offset: 0, length: SLICE });
      expect((await harness.next('ended')).error).toEqual(lostError);
    });

    test('a task whose connection may not join ends as failed', async () => {
      const harness = await start({ refuseJoin: [2] });
      await harness.open(1, 2);
      harness.send(1, 2, { offset: 0, length: SLICE });
      harness.send(2, 1, { offset: 0, length: SLICE });
      await harness.next('ended', 2);
      const errorOf = (task: number) => harness.of('ended').find((report) => report.task === task)!.error?.code;
      expect([errorOf(1), errorOf(2)]).toEqual(['single-writer', undefined]);
    });

    test('a source that ends too early is the failure of the task, not of the connection', async () => {
      const harness = await start();
      await harness.open(1);
      harness.send(1, 1, { offset: SIZE - SLICE, length: 2 * SLICE });
      expect((await harness.next('ended')).error?.code).toBe('source-changed');
      expect(await harness.under.open()).toEqual([1]);
      expect(harness.acknowledged(1)).toBe(SLICE);
    });

    test('nothing is counted as in flight of a task that failed on a connection that goes on', async () => {
      const harness = await start({ holdAcknowledgements: true, depth: 3 });
      await harness.open(1);
      // The last of three slices is beyond the end of the source.
      harness.send(1, 1, { offset: SIZE - 2 * SLICE, length: 3 * SLICE });
      await waitFor(() => harness.counters.inFlight(1) === 3 * SLICE, { what: 'three slices in flight', pollMs: 2 });
      await harness.under.release();
      expect((await harness.next('ended')).error?.code).toBe('source-changed');
      expect(harness.counters.inFlight(1)).toBe(0);
      harness.send(2, 1, { offset: 0, length: SLICE });
      await harness.next('ended', 2);
      expect(harness.counters.inFlight(1)).toBe(0);
    });

    test('asks whether the server answers on a connection', async () => {
      const harness = await start();
      await harness.open(1, 2);
      harness.post({ kind: 'ask', connection: 1 });
      expect(await harness.next('answered')).toEqual({ kind: 'answered', connection: 1 });
      await harness.under.lose(2);
      await harness.next('lost');
      harness.post({ kind: 'ask', connection: 2 });
      expect(await harness.next('answered', 2)).toEqual({ kind: 'answered', connection: 2, error: lostError });
    });

    test('leaves a staged file, and tells what the closing revealed', async () => {
      const harness = await start({ failClose: [2] });
      await harness.open(1, 2, 3);
      harness.send(1, 1, { offset: 0, length: SLICE });
      harness.send(2, 2, { offset: SLICE, length: SLICE });
      await harness.next('ended', 2);
      const of = harness.under.token;
      for (const connection of [1, 2, 3]) harness.post({ kind: 'leave', connection, of });
      await harness.next('left', 3);
      const left = harness.of('left').sort((a, b) => a.connection - b.connection);
      expect(left).toEqual([
        { kind: 'left', connection: 1, of },
        { kind: 'left', connection: 2, of, error: expect.objectContaining({ code: 'no-space' }) },
        // It never had it open.
        { kind: 'left', connection: 3, of },
      ]);
    });

    test('probes through two connections', async () => {
      const harness = await start();
      await harness.open(1, 2);
      const { fd } = harness;
      const probe = { kind: 'probe-writers', connection: 1, fd, of: harness.under.token, size: SIZE } as const;
      harness.post({ ...probe, task: 1, second: 2, firstOffset: 0, secondOffset: SIZE - SLICE });
      const { result } = await harness.next('probed');
      expect(result?.writers).toBe('many');
      const there = await harness.under.contents();
      for (const { offset, length } of result!.written!) {
        const end = offset + length;
        expect(there.subarray(offset, end).equals(harness.source.subarray(offset, end))).toBe(true);
      }
      expect(result!.written!.map(({ offset }) => offset)).toEqual([0, SIZE - SLICE]);
      harness.post({ ...probe, task: 2, second: 9, firstOffset: 0, secondOffset: SIZE - SLICE });
      expect((await harness.next('probed', 2)).error).toEqual(lostError);
    });

    test('nobody is called back in the middle of a command', async () => {
      const harness = await start();
      await harness.open(1);
      harness.send(1, 1, { offset: 0, length: SLICE });
      harness.post({ kind: 'shorten', task: 1, length: 0 });
      harness.send(2, 9, { offset: 0, length: SLICE });
      harness.post({ kind: 'leave', connection: 9, of: harness.under.token });
      harness.post({ kind: 'close', connection: 1 });
      harness.post({ kind: 'close', connection: 9 });
      await harness.next('lost');
      expect(harness.reportedInsidePost).toBe(false);
    });

    test('all connections together keep to the rate limit', async () => {
      const harness = await start();
      await harness.open(1, 2);
      harness.counters.limit();
      harness.send(1, 1, { offset: 0, length: 4 * SLICE });
      harness.send(2, 2, { offset: 4 * SLICE, length: 4 * SLICE });
      const sent = (): number => harness.counters.acknowledged(1) + harness.counters.acknowledged(2);
      for (let allowed = 1; allowed <= 8; allowed++) {
        harness.counters.allow(SLICE, SLICE);
        await waitFor(() => sent() === allowed * SLICE, { what: `${allowed} slices` });
      }
      await harness.next('ended', 2);
      expect(sent()).toBe(8 * SLICE);
    });

    test('the rate limiter itself lets a limited task come to its end', async () => {
      const harness = await start();
      await harness.open(1);
      onTestFinished(startRateLimiter(harness.counters, 4 * SIZE));
      const began = performance.now();
      harness.send(1, 1, { offset: 0, length: SIZE });
      await harness.next('ended');
      expect(harness.acknowledged(1)).toBe(SIZE);
      // A tenth of a second may have been saved up, and one slice overdrawn.
      expect(performance.now() - began).toBeGreaterThan(100);
    });

    test('a task that the rate limit holds back ends with its connection, not with the debt', async () => {
      const harness = await start();
      await harness.open(1);
      harness.counters.limit();
      harness.counters.allow(1, 1);
      harness.send(1, 1, { offset: 0, length: SIZE });
      await waitFor(() => harness.counters.acknowledged(1) === SLICE, { what: 'the one slice that is allowed' });
      // Nothing more is ever allowed: only the loss can end it.
      await harness.under.lose(1);
      await harness.next('lost');
      expect(harness.of('ended')).toEqual([{ kind: 'ended', task: 1, error: lostError }]);
    });

    test('end() closes what is open, stops what is dialled, ends what is under way', async () => {
      const harness = await start({ holdAcknowledgements: true, hangConnect: [2] });
      await harness.open(1);
      harness.post({ kind: 'open', connection: 2 });
      harness.send(1, 1, { offset: 0, length: SIZE });
      await harness.under.runner.end();
      expect(await harness.under.open()).toEqual([]);
      await harness.next('open-failed');
      expect((await harness.next('ended')).error).toEqual(lostError);
      expect(await harness.next('lost')).toEqual({ kind: 'lost', connection: 1 });
    });
  });
}
