/**
 * Decides which connection carries which range. Pure bookkeeping, no I/O and no clock: the engine reports what happened,
 * and asks for orders.
 *
 * A connection has at most one task with bytes left to take; it gets the next one when those are taken, while their
 * acknowledgements are still under way, so that its pipeline never runs dry. Ranges are handed out in ascending order,
 * each worth about two seconds of its connection, so that all connections work near one another: disks prefer that, and
 * a server may delay a write according to its offset. When no bytes are left to hand out, the tasks that would end last
 * are cut, and their rest is given to the idle connections.
 *
 * No byte is ever in two tasks that may both still take it.
 */
import type { Range } from '../../remotes/remote.ts';
import { RangeSet } from '../../util/range-set.ts';
import { FileLedger } from './file-ledger.ts';
import { cutsForIdle } from './range-cuts.ts';
import { MAX_RANGE, MIN_RANGE, rangeLength } from './range-length.ts';

/** A file of one piece, of at most this many bytes, is one range. */
const SMALL_FILE = 4 * 1024 * 1024;

export type Order =
  | {
      readonly kind: 'send';
      readonly task: number;
      readonly connection: number;
      readonly file: number;
      readonly range: Range;
    }
  | { readonly kind: 'shorten'; readonly task: number; readonly length: number };

/**
 * As long as no rate is known, each range of a connection is so many times as long as the one before: rates are sampled
 * every quarter of a second, and a connection that has taken a range by then is worth eight of them in two seconds.
 */
const FIRST_GROWTH = 8;

/** What a connection is worth, in bytes per second; 0: no rate is known at all. */
type Rate = (connection: number) => number;

/** `drain`: nothing may be under way; `search`: the server may have the bytes already. */
export type PauseReason = 'drain' | 'search';

export interface TaskView {
  readonly task: number;
  readonly connection: number;
  readonly file: number;
  /** Bytes that are neither acknowledged nor given away. */
  readonly outstanding: number;
  /** Whether nothing is left to take. */
  readonly taken: boolean;
  /** Whether other connections may work on the file too. */
  readonly shared: boolean;
}

interface FileState {
  readonly file: number;
  readonly pieceSize: number;
  readonly ledger: FileLedger;
  /** Those that have not ended. */
  readonly tasks: Set<TaskState>;
  /** The one connection that may work on it; undefined: all. */
  only: number | undefined;
  /** Why nothing is handed out now. */
  readonly pausedFor: Set<PauseReason>;
}

interface TaskState {
  readonly task: number;
  readonly connection: number;
  readonly file: FileState;
  readonly offset: number;
  length: number;
  readonly acknowledged: RangeSet;
  taken: boolean;
  /** A cut has been asked for and not answered. */
  cutting: boolean;
  /** The last cut gave nothing: the bytes are under way already. */
  uncuttable: boolean;
}

interface ConnectionState {
  /** The task of which it still takes bytes. */
  task: TaskState | undefined;
  /** How long its next range is as long as no rate is known at all, bytes. */
  firstLength: number;
}

export class Scheduler {
  readonly #files: Map<number, FileState> = new Map();
  readonly #tasks: Map<number, TaskState> = new Map();
  /** Open connections. */
  readonly #connections: Map<number, ConnectionState> = new Map();
  /** Those of them that have nothing to take. */
  readonly #idle: Set<number> = new Set();
  /** Tasks of which a cut has been asked for and not answered. */
  readonly #cutting: Set<TaskState> = new Set();
  readonly #rateOf: (connection: number) => number;
  #lastTask = 0;

  /** `rateOf` says what a connection is worth, in bytes per second; 0: not known yet. */
  constructor(rateOf: (connection: number) => number) {
    this.#rateOf = rateOf;
  }

  addConnection(connection: number): void {
    this.#connections.set(connection, { task: undefined, firstLength: MIN_RANGE });
    this.#idle.add(connection);
  }

  /** It gets no more tasks; those it has are about to end. */
  removeConnection(connection: number): void {
    this.#connections.delete(connection);
    this.#idle.delete(connection);
  }

  /** It gets no more tasks, and gives back what it has not taken; {@link isWorking} tells when it has come to its end. */
  retire(connection: number): Order[] {
    const task = this.#connections.get(connection)?.task;
    this.removeConnection(connection);
    return task === undefined ? [] : [this.#cut(task, 0)];
  }

  /** Whether a connection has tasks that have not ended. */
  isWorking(connection: number): boolean {
    return [...this.#tasks.values()].some((task) => task.connection === connection);
  }

  /**
   * `only`: the one connection that may work on the file. `claimed`: what an earlier run says is there; it is handed out
   * to nobody until {@link settleClaim} says whether that is so.
   */
  addFile(file: number, size: number, pieceSize: number, only?: number, claimed: Iterable<Range> = []): void {
    const ledger = new FileLedger(size, claimed);
    this.#files.set(file, { file, pieceSize, ledger, tasks: new Set(), only, pausedFor: new Set() });
  }

  /** Its tasks may still be under way; what they report from now on is ignored. */
  removeFile(file: number): void {
    this.#files.delete(file);
  }

  restrict(file: number, only: number | undefined): void {
    const state = this.#files.get(file);
    if (state !== undefined) state.only = only;
  }

  /** Hands nothing more out of a file, and takes back what is not taken, until it is resumed for every reason. */
  pause(file: number, reason: PauseReason): Order[] {
    const state = this.#files.get(file);
    if (state === undefined) return [];
    state.pausedFor.add(reason);
    return [...state.tasks].filter(({ taken }) => !taken).map((task) => this.#cut(task, 0));
  }

  resume(file: number, reason: PauseReason): void {
    const state = this.#files.get(file);
    state?.pausedFor.delete(reason);
  }

  /** What would be lost of a file if the server crashed now. */
  atRisk(file: number): RangeSet {
    return this.#files.get(file)?.ledger.atRisk ?? new RangeSet();
  }

  /** `ranges` have reached the server's disk. */
  synced(file: number, ranges: Iterable<Range>): void {
    this.#files.get(file)?.ledger.synced(ranges);
  }

  /** The server may have crashed: what was at risk is to hand out again. Returns how much that is. */
  distrust(file: number): number {
    return this.#files.get(file)?.ledger.distrust() ?? 0;
  }

  /** What was claimed is there, and durable, or is to hand out. */
  settleClaim(file: number, range: Range, isThere: boolean): void {
    this.#files.get(file)?.ledger.settleClaim(range, isThere);
  }

  /** What a crash of the server would leave of a file. */
  durable(file: number): RangeSet {
    return this.#files.get(file)?.ledger.durable ?? new RangeSet();
  }

  /** Bytes were acknowledged outside of any task. */
  acknowledgedElsewhere(file: number, range: Range): void {
    this.#files.get(file)?.ledger.acknowledge(range);
  }

  acknowledged(task: number, parts: readonly Range[]): void {
    const state = this.#tasks.get(task);
    if (state === undefined) return;
    for (const part of parts) {
      state.acknowledged.add(part);
      // A file that was begun anew has another ledger.
      state.file.ledger.acknowledge(part);
    }
  }

  /** Nothing is left to take of a task: its connection can begin another. */
  taken(task: number): void {
    const state = this.#tasks.get(task);
    if (state === undefined || state.taken) return;
    state.taken = true;
    const connection = this.#connections.get(state.connection);
    if (connection?.task !== state) return;
    connection.task = undefined;
    this.#idle.add(state.connection);
  }

  /** The answer to a cut: the task keeps `length` bytes, the rest is to hand out again. */
  shortened(task: number, length: number): void {
    const state = this.#tasks.get(task);
    if (state === undefined) return;
    this.#endCut(state);
    const freed = { offset: state.offset + length, length: state.length - length };
    state.uncuttable = freed.length <= 0;
    if (freed.length <= 0) return;
    state.length = length;
    state.file.ledger.giveBack(freed);
  }

  /** The last word on a task; what it did not get acknowledged is to hand out again. */
  ended(task: number): void {
    const state = this.#tasks.get(task);
    if (state === undefined) return;
    this.taken(task);
    this.#endCut(state);
    this.#tasks.delete(task);
    state.file.tasks.delete(state);
    for (const lost of state.acknowledged.missingIn(state)) state.file.ledger.giveBack(lost);
  }

  /** A copy. */
  acknowledgedRanges(file: number): RangeSet {
    return this.#files.get(file)?.ledger.acknowledged ?? new RangeSet();
  }

  /** Whether a range of a file is acknowledged. */
  has(file: number, range: Range): boolean {
    return this.#files.get(file)?.ledger.has(range) ?? false;
  }

  /** What was acknowledged is wrong on the server; it is with nobody until {@link settleClaim}. */
  withdraw(file: number, range: Range): void {
    this.#files.get(file)?.ledger.withdraw(range);
  }

  isComplete(file: number): boolean {
    return this.#files.get(file)?.ledger.isComplete ?? false;
  }

  /** Bytes of a file that are acknowledged. */
  bytesAcknowledged(file: number): number {
    return this.#files.get(file)?.ledger.bytesAcknowledged ?? 0;
  }

  /** What is neither acknowledged nor handed out. */
  bytesToDo(file: number): RangeSet {
    return this.#files.get(file)?.ledger.toDo ?? new RangeSet();
  }

  tasks(): TaskView[] {
    return [...this.#tasks.values()].map((state) => ({
      task: state.task,
      connection: state.connection,
      file: state.file.file,
      outstanding: outstanding(state),
      taken: state.taken,
      shared: state.file.only === undefined,
    }));
  }

  hasTasks(file: number): boolean {
    return (this.#files.get(file)?.tasks.size ?? 0) > 0;
  }

  /** A number for a task that is not the scheduler's. */
  nextTask(): number {
    return ++this.#lastTask;
  }

  /** Open connections that have nothing to take. */
  idle(): number[] {
    return [...this.#idle];
  }

  /**
   * What to do now; each order counts as given. Looks once at each idle connection and each file, and at each task where
   * connections stay idle.
   */
  orders(): Order[] {
    if (this.#idle.size === 0) return [];
    const rate = this.#ratesOrGuess();
    // The fastest first, or what was taken from a slow connection could go back to it, as it is idle then.
    const idle = new Set([...this.#idle].sort((a, b) => rate(b) - rate(a)));
    const sends = this.#handOut(idle, rate);
    // Each cut that is under way will feed one idle connection.
    const hungry = [...idle].slice(this.#cutting.size);
    return hungry.length === 0 ? sends : [...sends, ...this.#cutForIdle(hungry, rate)];
  }

  /** Gives the lowest bytes to do to `idle` connections, and takes those out of the set. */
  #handOut(idle: Set<number>, rate: Rate): Order[] {
    const orders: Order[] = [];
    for (const file of this.#files.values()) {
      if (idle.size === 0) break;
      if (file.pausedFor.size > 0) continue;
      if (file.only !== undefined && !idle.has(file.only)) continue;
      for (const connection of file.only === undefined ? idle : [file.only]) {
        const range = this.#nextRange(file, connection, rate);
        if (range === undefined) break;
        idle.delete(connection);
        orders.push(this.#begin(file, connection, range));
      }
    }
    return orders;
  }

  #nextRange({ ledger, pieceSize }: FileState, connection: number, rate: Rate): Range | undefined {
    const run = ledger.firstToDo;
    if (run === undefined) return undefined;
    // What is sent as a whole is hashed on its way.
    if (ledger.size <= Math.min(pieceSize, SMALL_FILE)) return run;
    const state = this.#connections.get(connection)!;
    const known = rate(connection);
    const length = rangeLength(run.offset, known || state.firstLength / 2, pieceSize);
    if (known === 0) state.firstLength = Math.min(MAX_RANGE, FIRST_GROWTH * state.firstLength);
    return { offset: run.offset, length: Math.min(run.length, length) };
  }

  #begin(file: FileState, connection: number, range: Range): Order {
    const task: TaskState = {
      task: this.nextTask(),
      connection,
      file,
      ...range,
      acknowledged: new RangeSet(),
      taken: false,
      cutting: false,
      uncuttable: false,
    };
    file.ledger.handOut(range);
    file.tasks.add(task);
    this.#tasks.set(task.task, task);
    this.#connections.get(connection)!.task = task;
    this.#idle.delete(connection);
    return { kind: 'send', task: task.task, connection, file: file.file, range };
  }

  #cutForIdle(idle: readonly number[], rate: Rate): Order[] {
    const cuttable = [...this.#tasks.values()]
      .filter((state) => !state.taken && !state.cutting && !state.uncuttable && state.file.pausedFor.size === 0)
      .map((state) => {
        const { connection, length, file } = state;
        return { state, connection, length, outstanding: outstanding(state), only: file.only };
      });
    return cutsForIdle(cuttable, idle, rate).map(({ task: { state }, length }) => this.#cut(state, length));
  }

  #cut(task: TaskState, length: number): Order {
    task.cutting = true;
    this.#cutting.add(task);
    return { kind: 'shorten', task: task.task, length };
  }

  #endCut(task: TaskState): void {
    task.cutting = false;
    this.#cutting.delete(task);
  }

  /** A connection that is not measured yet is taken for an average one; 0: none is measured. */
  #ratesOrGuess(): Rate {
    let guess: number | undefined;
    return (connection) => {
      const rate = this.#rateOf(connection);
      if (rate > 0) return rate;
      guess ??= this.#averageRate();
      return guess;
    };
  }

  #averageRate(): number {
    const known = [...this.#connections.keys()].map(this.#rateOf).filter((rate) => rate > 0);
    return known.length === 0 ? 0 : known.reduce((sum, rate) => sum + rate, 0) / known.length;
  }
}

function outstanding(task: TaskState): number {
  return task.length - task.acknowledged.total;
}
