/**
 * Decides which connection carries which range. Pure bookkeeping, no I/O and no clock: the engine reports what
 * happened, and asks for orders.
 *
 * A connection has at most one task with bytes left to take; it gets the next one when those are taken, while their
 * acknowledgements are still to come, so that its pipeline never runs dry. Ranges are handed out in ascending order,
 * each worth about two seconds of its connection, so that all connections work near one another: disks prefer that, and
 * a server may delay a write according to its offset. When no bytes are left to hand out, the tasks that would end last
 * are cut, and the rest of their bytes is given to the idle connections.
 *
 * These things always hold:
 *
 * - No byte is in two tasks that may both still take it.
 * - What a call costs depends on the orders that it returns, not on how many connections, tasks and files there are.
 *   Only after rates have changed, or a connection was opened or lost, are the idle connections and the tasks sorted
 *   again.
 */
import type { Range } from '../../remotes/remote.ts';
import { ConnectionRates } from './connection-rates.ts';
import { FileLedger } from './file-ledger.ts';
import { IdleConnections } from './idle-connections.ts';
import { MAX_RANGE, MIN_RANGE, rangeLength } from './range-length.ts';
import { bySequence, ReadyFiles } from './ready-files.ts';
import { type PauseReason, ScheduledFile, ScheduledTask } from './scheduled-file.ts';
import { type Shorten, TaskCuts } from './task-cuts.ts';
import { TaskTable } from './task-table.ts';

export type { PauseReason } from './scheduled-file.ts';

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
  | Shorten;

/**
 * While no rate is known, each range of a connection is so many times as long as the one before: rates are sampled
 * every quarter of a second, and a connection that has taken a range by then can take eight of them in two seconds.
 */
const FIRST_GROWTH = 8;

export interface FileOptions {
  /** The one connection that may work on the file; undefined: all. */
  readonly only?: number | undefined;
  /**
   * Ranges that an earlier run says the server has: they are not handed out until {@link FileLedger.settleClaim} says
   * whether that is true.
   */
  readonly claimed?: Iterable<Range>;
  /** See `Abilities.smallestCut`; default: 64 KiB. */
  readonly smallestCut?: number | undefined;
}

export interface TaskView {
  readonly task: number;
  readonly connection: number;
  readonly file: number;
  /** Bytes that are neither acknowledged nor given to another task. */
  readonly outstanding: number;
  /** Whether no bytes are left to take. */
  readonly isTaken: boolean;
  /** Whether other connections may work on the file too. */
  readonly isShared: boolean;
}

interface ConnectionState {
  /** The task of which it still takes bytes. */
  task: ScheduledTask | undefined;
  /** The length of its next range while no rate is known at all, in bytes. */
  firstLength: number;
}

export class Scheduler {
  readonly #files: Map<number, ScheduledFile> = new Map();
  readonly #tasks: TaskTable<ScheduledTask> = new TaskTable();
  /** Open connections. */
  readonly #connections: Map<number, ConnectionState> = new Map();
  /** Open connections that have no bytes to take. */
  readonly #idle: IdleConnections = new IdleConnections();
  readonly #ready: ReadyFiles<ScheduledFile> = new ReadyFiles((connection) => this.#updateReserved(connection));
  /** Idle connections for which a file is ready that no other connection may work on. */
  readonly #reserved: Set<number> = new Set();
  readonly #rates: ConnectionRates;
  readonly #cuts: TaskCuts;
  #isRefreshDue = false;
  #lastTask = 0;
  #lastSequence = 0;

  /** `rateOf`: the rate of a connection in bytes per second; 0: not known yet. */
  constructor(rateOf: (connection: number) => number) {
    this.#rates = new ConnectionRates(rateOf);
    this.#cuts = new TaskCuts((connection) => this.#rates.of(connection));
  }

  addConnection(connection: number): void {
    this.#connections.set(connection, { task: undefined, firstLength: MIN_RANGE });
    this.#becomeIdle(connection);
    this.#isRefreshDue = true;
  }

  /** The connection gets no more tasks. The tasks that it has are about to end. */
  removeConnection(connection: number): void {
    this.#connections.delete(connection);
    this.#becomeBusy(connection);
    this.#isRefreshDue = true;
  }

  /** To be called when rates were measured: idle connections and tasks are then sorted again. */
  onRatesChanged(): void {
    this.#isRefreshDue = true;
  }

  /**
   * The connection gets no more tasks, and returns the bytes that it has not taken; {@link isWorking} tells when its
   * tasks have ended.
   */
  retire(connection: number): Order[] {
    const task = this.#connections.get(connection)?.task;
    this.removeConnection(connection);
    return task === undefined ? [] : [this.#cuts.cut(task, 0)];
  }

  /** Whether a connection has tasks that have not ended. */
  isWorking(connection: number): boolean {
    return this.#tasks.isWorking(connection);
  }

  addFile(file: number, size: number, pieceSize: number, options: FileOptions = {}): void {
    const { only, claimed = [], smallestCut = MIN_RANGE } = options;
    // A file that begins again keeps its place among the others.
    const sequence = this.#files.get(file)?.sequence ?? ++this.#lastSequence;
    this.removeFile(file);
    const ledger = new FileLedger(size, claimed, () => this.#ready.update(state));
    const state = new ScheduledFile(file, sequence, ledger, { pieceSize, smallestCut, only });
    this.#files.set(file, state);
    this.#ready.update(state);
  }

  /** Tasks of the file may not have ended yet; what they report from now on is ignored. */
  removeFile(file: number): void {
    const state = this.#files.get(file);
    if (state === undefined) return;
    this.#files.delete(file);
    state.isRemoved = true;
    this.#ready.update(state);
  }

  restrict(file: number, only: number | undefined): void {
    const state = this.#files.get(file);
    if (state === undefined || state.only === only) return;
    state.only = only;
    this.#fileChanged(state);
  }

  /** Takes back what was not taken of a file, and hands nothing out until the file is resumed for every reason. */
  pause(file: number, reason: PauseReason): Order[] {
    const state = this.#files.get(file);
    if (state === undefined) return [];
    state.pausedFor.add(reason);
    this.#fileChanged(state);
    return [...state.tasks].filter(({ isTaken }) => !isTaken).map((task) => this.#cuts.cut(task, 0));
  }

  resume(file: number, reason: PauseReason): void {
    const state = this.#files.get(file);
    if (state === undefined) return;
    state.pausedFor.delete(reason);
    this.#fileChanged(state);
  }

  /** What has become of the bytes of a file; undefined: the file is not known. */
  ledger(file: number): FileLedger | undefined {
    return this.#files.get(file)?.ledger;
  }

  acknowledged(task: number, parts: readonly Range[]): void {
    const state = this.#tasks.get(task);
    if (state === undefined) return;
    for (const part of parts) {
      state.acknowledged.add(part);
      // The task keeps the ledger that it began with; a file that begins again has another one.
      state.file.ledger.acknowledge(part);
    }
  }

  /** No bytes of a task are left to take: its connection can begin another. */
  taken(task: number): void {
    const state = this.#tasks.get(task);
    if (state === undefined || state.isTaken) return;
    state.isTaken = true;
    this.#cuts.update(state);
    const connection = this.#connections.get(state.connection);
    if (connection?.task !== state) return;
    connection.task = undefined;
    this.#becomeIdle(state.connection);
  }

  /** The answer to a cut: the task keeps `length` bytes; the others are to do again. */
  shortened(task: number, length: number): void {
    const state = this.#tasks.get(task);
    if (state === undefined) return;
    const freed = { offset: state.offset + length, length: state.length - length };
    state.isUncuttable = freed.length <= 0;
    if (freed.length > 0) {
      state.length = length;
      state.file.ledger.giveBack(freed);
    }
    this.#cuts.answered(state);
  }

  /** The last report on a task: what was not acknowledged of it is to do again. */
  ended(task: number): void {
    const state = this.#tasks.get(task);
    if (state === undefined) return;
    this.taken(task);
    this.#cuts.answered(state);
    this.#tasks.delete(state);
    state.file.tasks.delete(state);
    for (const lost of state.acknowledged.missingIn(state)) state.file.ledger.giveBack(lost);
  }

  tasks(): TaskView[] {
    return [...this.#tasks].map(({ task, connection, file, outstanding, isTaken }) => ({
      task,
      connection,
      file: file.file,
      outstanding,
      isTaken,
      isShared: file.only === undefined,
    }));
  }

  hasTasks(file: number): boolean {
    return (this.#files.get(file)?.tasks.size ?? 0) > 0;
  }

  /** A number for a task that is not the scheduler's. */
  nextTask(): number {
    return ++this.#lastTask;
  }

  /** Open connections that have no bytes to take. */
  idle(): number[] {
    return this.#idle.list();
  }

  /** What is to be done now. The caller carries out every order that is returned. */
  orders(): Order[] {
    if (this.#idle.size === 0) return [];
    this.#refreshIfDue();
    return [...this.#handOut(), ...this.#cuts.forIdle(this.#idle)];
  }

  /**
   * Hands out the files in their order, and of each its lowest bytes: to its one connection, or to the fastest idle
   * ones.
   */
  #handOut(): Order[] {
    const orders: Order[] = [];
    const reserved = [...this.#reserved].map((connection) => this.#ready.firstFor(connection)!).sort(bySequence);
    let next = 0;
    while (this.#idle.size > 0) {
      const shared = this.#ready.firstShared;
      const own = reserved[next];
      if (own !== undefined && (shared === undefined || own.sequence < shared.sequence)) {
        next++;
        if (this.#idle.has(own.only!)) orders.push(this.#begin(own, own.only!));
        continue;
      }
      if (shared === undefined) break;
      // The fastest comes first: a slow connection is idle after a cut, and would otherwise get back what was taken
      // from it.
      orders.push(this.#begin(shared, this.#idle.at(0)!));
    }
    return orders;
  }

  #begin(file: ScheduledFile, connection: number): Order {
    const range = this.#nextRange(file, connection);
    const task = new ScheduledTask(this.nextTask(), connection, file, range);
    file.ledger.handOut(range);
    file.tasks.add(task);
    this.#tasks.add(task);
    this.#connections.get(connection)!.task = task;
    this.#becomeBusy(connection);
    this.#cuts.update(task);
    return { kind: 'send', task: task.task, connection, file: file.file, range };
  }

  /** The file must have bytes to do. */
  #nextRange({ ledger, pieceSize, smallestCut }: ScheduledFile, connection: number): Range {
    const run = ledger.firstToDo!;
    // A small file is sent as a whole, so that it is hashed while it is sent.
    if (ledger.size <= Math.min(pieceSize, SMALL_FILE)) return run;
    const state = this.#connections.get(connection)!;
    const known = this.#rates.of(connection);
    const length = rangeLength(run.offset, known || state.firstLength / 2, pieceSize, smallestCut);
    if (known === 0) state.firstLength = Math.min(MAX_RANGE, FIRST_GROWTH * state.firstLength);
    return { offset: run.offset, length: Math.min(run.length, length) };
  }

  #becomeIdle(connection: number): void {
    this.#idle.add(connection, this.#rates.of(connection));
    this.#updateReserved(connection);
  }

  #becomeBusy(connection: number): void {
    this.#idle.delete(connection);
    this.#updateReserved(connection);
  }

  #updateReserved(connection: number): void {
    if (this.#idle.has(connection) && this.#ready.hasFor(connection)) this.#reserved.add(connection);
    else this.#reserved.delete(connection);
  }

  #fileChanged(file: ScheduledFile): void {
    this.#ready.update(file);
    for (const task of file.tasks) this.#cuts.update(task);
  }

  #refreshIfDue(): void {
    if (!this.#isRefreshDue) return;
    this.#isRefreshDue = false;
    this.#rates.refresh(this.#connections.keys());
    this.#idle.refresh((connection) => this.#rates.of(connection));
    this.#cuts.refresh();
  }
}
