/** A runner under test, with what it is told and what it reports. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { expect, onTestFinished } from 'vitest';
import { Counters } from '../../../../src/engine/runner/counters.ts';
import type { PieceHashing } from '../../../../src/engine/runner/piece-hasher.ts';
import type { PieceRunner, RunnerCommand, RunnerReport } from '../../../../src/engine/runner/piece-runner.ts';
import type { Range, StageToken } from '../../../../src/remotes/remote.ts';
import type { MemoryFaults } from '../../../support/memory-remote.ts';
import { writeRandomFile } from '../../../support/random-file.ts';
import { makeTempDir } from '../../../support/temp-dir.ts';
import { waitFor } from '../../../support/wait-for.ts';

/** A runner on a remote in memory, wherever both may live. */
export interface RunnerUnderTest {
  readonly runner: PieceRunner;
  /** A token of a staged file that its connections can join. */
  readonly token: StageToken;
  /** Makes a file at the far side. */
  put(path: string, bytes: Uint8Array): void | Promise<void>;
  /** Cuts a connection. */
  lose(connection: number): void | Promise<void>;
  /** Lets acknowledgements through that `holdAcknowledgements` holds back. */
  release(): void | Promise<void>;
  /** The bytes of the staged file. */
  contents(): Buffer | Promise<Buffer>;
  /** Connections that are open at the far side. */
  open(): readonly number[] | Promise<readonly number[]>;
  /** How often files are open for reading at the far side. */
  readers(): number | Promise<number>;
}

export type StartHarness = (faults?: Partial<MemoryFaults>) => Promise<Harness>;

export type MakeRunner = (faults: Partial<MemoryFaults>, counters: Counters) => Promise<RunnerUnderTest>;

const KIB = 1024;
/** Of the file, at whichever side it is. */
export const SIZE: number = 1024 * KIB;
export const SLICE: number = 32 * KIB;
/** Its path at the far side. */
export const FROM: Buffer = Buffer.from('/home/source');

export type Direction = 'send' | 'receive';

type ReportOf<K extends RunnerReport['kind']> = Extract<RunnerReport, { kind: K }>;

export class Harness {
  readonly under: RunnerUnderTest;
  readonly counters: Counters;
  readonly reports: RunnerReport[] = [];
  readonly source: Buffer;
  /** The source, here. */
  readonly fd: number;
  /** A file to receive into, empty at first. */
  readonly sink: number;
  /** Set while `post` runs: nothing may be reported meanwhile. */
  #posting = false;
  reportedInsidePost = false;

  constructor(under: RunnerUnderTest, counters: Counters, source: Buffer, fd: number, sink: number) {
    this.under = under;
    this.counters = counters;
    this.source = source;
    this.fd = fd;
    this.sink = sink;
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

  send(task: number, connection: number, range: Range, hashing?: PieceHashing): void {
    this.post({ kind: 'send', task, connection, fd: this.fd, of: this.under.token, range, hashing });
  }

  receive(task: number, connection: number, range: Range, fd: number = this.sink, hashing?: PieceHashing): void {
    this.post({ kind: 'receive', task, connection, fd, from: FROM, range, hashing });
  }

  carry(direction: Direction, task: number, connection: number, range: Range): void {
    this[direction](task, connection, range);
  }

  /** What has arrived at the other side. */
  arrived(direction: Direction): Buffer | Promise<Buffer> {
    return direction === 'send' ? this.under.contents() : readWhole(this.sink);
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

/** The source is there at both sides. */
export async function startHarness(make: MakeRunner, faults: Partial<MemoryFaults> = {}): Promise<Harness> {
  const dir = await makeTempDir('runner');
  await writeRandomFile(dir.file('source'), SIZE);
  const fd = openSync(dir.file('source'), 'r');
  const sink = openSync(dir.file('sink'), 'w+');
  const counters = new Counters();
  const under = await make({ sliceLength: SLICE, depth: 2, ...faults }, counters);
  onTestFinished(async () => {
    await under.release();
    await under.runner.end();
    closeSync(fd);
    closeSync(sink);
    await dir.remove();
  });
  const source = await readFile(dir.file('source'));
  await under.put(FROM.toString(), source);
  return new Harness(under, counters, source, fd, sink);
}

/** By its descriptor, wherever that stands. */
function readWhole(fd: number): Buffer {
  const bytes = Buffer.alloc(fstatSync(fd).size);
  readSync(fd, bytes, 0, bytes.length, 0);
  return bytes;
}

export const lostError: unknown = expect.objectContaining({ code: 'connection-lost', scope: 'connection' });
