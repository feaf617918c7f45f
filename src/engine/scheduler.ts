/**
 * Who sends what. Pure bookkeeping, no I/O and no clock: the engine tells it what happened, and asks for orders.
 *
 * A connection has at most one task with bytes left to take; it gets the next one when those are taken, while their
 * acknowledgements are still under way, so that its pipeline never runs dry. When no bytes are left to hand out, the
 * rest of the task that would end last is cut and given to the idle connection.
 */
import type { Range } from '../remotes/remote.ts';
import { RangeSet } from '../util/range-set.ts';
import { nextBoundary } from './grid.ts';

/** A cut must leave both sides this much, or it is not worth its message. */
const MIN_SHARE = 64 * 1024;
/** A connection this much slower than the thief loses all it has not taken. */
const HOPELESS_SHARE = 0.9;
/** However large the file: a range that is too long makes the ranges of the others unequal. */
const MAX_RANGE = 256 * 1024 * 1024;

export type Order =
  | {
      readonly kind: 'send';
      readonly task: number;
      readonly connection: number;
      readonly file: number;
      readonly range: Range;
    }
  | { readonly kind: 'shorten'; readonly task: number; readonly length: number };

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
  readonly size: number;
  readonly pieceSize: number;
  /** Not handed out. */
  readonly todo: RangeSet;
  readonly acknowledged: RangeSet;
  /** Acknowledged, but a crash of the server may still lose it. */
  readonly atRisk: RangeSet;
  /** The one connection that may work on it; undefined: all. */
  only: number | undefined;
  paused: boolean;
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

export class Scheduler {
  readonly #files: Map<number, FileState> = new Map();
  readonly #tasks: Map<number, TaskState> = new Map();
  /** Open connections, and the task each still takes bytes of. */
  readonly #connections: Map<number, TaskState | undefined> = new Map();
  readonly #rateOf: (connection: number) => number;
  #lastTask = 0;

  /** `rateOf` says what a connection is worth, in bytes per second; 0: not known yet. */
  constructor(rateOf: (connection: number) => number) {
    this.#rateOf = rateOf;
  }

  addConnection(connection: number): void {
    this.#connections.set(connection, undefined);
  }

  /** It gets no more tasks; those it has are about to end. */
  removeConnection(connection: number): void {
    this.#connections.delete(connection);
  }

  /** It gets no more tasks, and gives back what it has not taken; {@link isWorking} tells when it has come to its end. */
  retire(connection: number): Order[] {
    const task = this.#connections.get(connection);
    this.#connections.delete(connection);
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
    const todo = new RangeSet([{ offset: 0, length: size }]);
    for (const range of claimed) todo.remove(range);
    const [acknowledged, atRisk] = [new RangeSet(), new RangeSet()];
    this.#files.set(file, { file, size, pieceSize, todo, acknowledged, atRisk, only, paused: false });
  }

  /** Its tasks may still be under way; what they report from now on is ignored. */
  removeFile(file: number): void {
    this.#files.delete(file);
  }

  restrict(file: number, only: number | undefined): void {
    const state = this.#files.get(file);
    if (state !== undefined) state.only = only;
  }

  /** Hands nothing more out of a file, and takes back what is not taken. */
  pause(file: number): Order[] {
    const state = this.#files.get(file);
    if (state === undefined) return [];
    state.paused = true;
    const orders: Order[] = [];
    for (const task of this.#tasksOf(file)) {
      if (!task.taken) orders.push(this.#cut(task, 0));
    }
    return orders;
  }

  resume(file: number): void {
    const state = this.#files.get(file);
    if (state !== undefined) state.paused = false;
  }

  /** What would be lost of a file if the server crashed now. */
  atRisk(file: number): RangeSet {
    return new RangeSet(this.#files.get(file)?.atRisk ?? []);
  }

  /** `ranges` have reached the server's disk. */
  synced(file: number, ranges: Iterable<Range>): void {
    const state = this.#files.get(file);
    if (state !== undefined) for (const range of ranges) state.atRisk.remove(range);
  }

  /** The server may have crashed: what was at risk is to hand out again. Returns how much that is. */
  distrust(file: number): number {
    const state = this.#files.get(file);
    if (state === undefined) return 0;
    const ranges = [...state.atRisk];
    for (const range of ranges) {
      this.withdraw(file, range);
      state.todo.add(range);
    }
    return ranges.reduce((sum, { length }) => sum + length, 0);
  }

  /** What was claimed is there, and durable, or is to hand out. */
  settleClaim(file: number, range: Range, isThere: boolean): void {
    const state = this.#files.get(file);
    if (isThere) state?.acknowledged.add(range);
    else state?.todo.add(range);
  }

  /** What a crash of the server would leave of a file. */
  durable(file: number): RangeSet {
    const state = this.#files.get(file);
    const durable = new RangeSet(state?.acknowledged ?? []);
    for (const range of state?.atRisk ?? []) durable.remove(range);
    return durable;
  }

  /** Bytes were acknowledged outside of any task. */
  acknowledgedElsewhere(file: number, range: Range): void {
    const state = this.#files.get(file);
    if (state !== undefined) this.#acknowledge(state, range);
  }

  acknowledged(task: number, parts: readonly Range[]): void {
    const state = this.#tasks.get(task);
    if (state === undefined) return;
    for (const part of parts) {
      state.acknowledged.add(part);
      if (this.#files.get(state.file.file) === state.file) this.#acknowledge(state.file, part);
    }
  }

  /** Nothing is left to take of a task: its connection can begin another. */
  taken(task: number): void {
    const state = this.#tasks.get(task);
    if (state === undefined || state.taken) return;
    state.taken = true;
    if (this.#connections.get(state.connection) === state) this.#connections.set(state.connection, undefined);
  }

  /** The answer to a cut: the task keeps `length` bytes, the rest is to hand out again. */
  shortened(task: number, length: number): void {
    const state = this.#tasks.get(task);
    if (state === undefined) return;
    state.cutting = false;
    const freed = { offset: state.offset + length, length: state.length - length };
    state.uncuttable = freed.length <= 0;
    if (freed.length <= 0) return;
    state.length = length;
    state.file.todo.add(freed);
  }

  /** The last word on a task; what it did not get acknowledged is to hand out again. */
  ended(task: number): void {
    const state = this.#tasks.get(task);
    if (state === undefined) return;
    this.taken(task);
    this.#tasks.delete(task);
    for (const lost of state.acknowledged.missingIn(state)) state.file.todo.add(lost);
  }

  /** A copy. */
  acknowledgedRanges(file: number): RangeSet {
    return new RangeSet(this.#files.get(file)?.acknowledged ?? []);
  }

  /** Whether a range of a file is acknowledged. */
  has(file: number, range: Range): boolean {
    return this.#files.get(file)?.acknowledged.has(range) ?? false;
  }

  /** What was acknowledged is wrong on the server; it is with nobody until {@link settleClaim}. */
  withdraw(file: number, range: Range): void {
    const state = this.#files.get(file);
    state?.acknowledged.remove(range);
    state?.atRisk.remove(range);
  }

  isComplete(file: number): boolean {
    const state = this.#files.get(file);
    return state !== undefined && state.acknowledged.total === state.size;
  }

  /** Bytes of a file that are acknowledged. */
  bytesAcknowledged(file: number): number {
    return this.#files.get(file)?.acknowledged.total ?? 0;
  }

  /** What is neither acknowledged nor handed out. */
  bytesToDo(file: number): RangeSet {
    return new RangeSet(this.#files.get(file)?.todo ?? []);
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
    return !this.#tasksOf(file).next().done;
  }

  /** A number for a task that is not the scheduler's. */
  nextTask(): number {
    return ++this.#lastTask;
  }

  /** Open connections that have nothing to take. */
  idle(): number[] {
    return [...this.#connections].filter(([, task]) => task === undefined).map(([connection]) => connection);
  }

  /** What to do now; each order counts as given. */
  orders(): Order[] {
    const orders: Order[] = [];
    const idle: number[] = [];
    for (const connection of this.#fastestFirst(this.idle())) {
      const order = this.#assign(connection);
      if (order === undefined) idle.push(connection);
      else orders.push(order);
    }
    // Each cut that is under way will feed one idle connection.
    const cuts = [...this.#tasks.values()].filter((task) => task.cutting).length;
    for (const connection of idle.slice(cuts)) {
      const order = this.#steal(connection);
      if (order !== undefined) orders.push(order);
    }
    return orders;
  }

  /** Or what was taken from a slow connection could go back to it, as it is idle then. */
  #fastestFirst(connections: readonly number[]): number[] {
    const rates = new Map(connections.map((connection) => [connection, this.#rateOrGuess(connection)]));
    return [...connections].sort((a, b) => rates.get(b)! - rates.get(a)!);
  }

  #assign(connection: number): Order | undefined {
    for (const state of this.#files.values()) {
      if (!mayWork(state, connection)) continue;
      const run = state.todo.first;
      if (run === undefined) continue;
      const range = { offset: run.offset, length: Math.min(run.length, this.#share(state, run.offset)) };
      state.todo.remove(range);
      const task: TaskState = {
        task: this.nextTask(),
        connection,
        file: state,
        ...range,
        acknowledged: new RangeSet(),
        taken: false,
        cutting: false,
        uncuttable: false,
      };
      this.#tasks.set(task.task, task);
      this.#connections.set(connection, task);
      return { kind: 'send', task: task.task, connection, file: state.file, range };
    }
    return undefined;
  }

  /**
   * How much to hand out at once: half of an equal share, so that ranges shrink as the end comes near and the faster
   * connections come back for more; whole pieces, because pieces are what is digested.
   */
  #share(state: FileState, offset: number): number {
    if (state.only !== undefined) return state.size;
    const share = Math.min(MAX_RANGE, state.todo.total / (2 * this.#connections.size));
    return nextBoundary(Math.max(offset + share, offset + 1), state.pieceSize) - offset;
  }

  /** Cuts the task that would end last, so that both would end at the same time. */
  #steal(thief: number): Order | undefined {
    const thiefRate = this.#rateOrGuess(thief);
    let victim: TaskState | undefined;
    let longest = 0;
    for (const task of this.#tasks.values()) {
      if (task.taken || task.cutting || task.uncuttable || !mayWork(task.file, thief)) continue;
      const seconds = outstanding(task) / Math.max(1, this.#rateOrGuess(task.connection));
      if (seconds <= longest) continue;
      longest = seconds;
      victim = task;
    }
    if (victim === undefined) return undefined;
    const share = thiefRate / (thiefRate + this.#rateOrGuess(victim.connection));
    const given = outstanding(victim) * share;
    const aligned = Math.floor((victim.length - given) / MIN_SHARE) * MIN_SHARE;
    // What a working connection has begun it goes on with, or two of a kind would pass the last bytes to and fro.
    const kept = share > HOPELESS_SHARE ? aligned : Math.max(MIN_SHARE, aligned);
    return given < MIN_SHARE || victim.length - kept < MIN_SHARE ? undefined : this.#cut(victim, kept);
  }

  #cut(task: TaskState, length: number): Order {
    task.cutting = true;
    return { kind: 'shorten', task: task.task, length };
  }

  /** A connection that is not measured yet is taken for an average one. */
  #rateOrGuess(connection: number): number {
    const rate = this.#rateOf(connection);
    if (rate > 0) return rate;
    const known = [...this.#connections.keys()].map(this.#rateOf).filter((other) => other > 0);
    return known.length === 0 ? 1 : known.reduce((sum, other) => sum + other, 0) / known.length;
  }

  #acknowledge(state: FileState, range: Range): void {
    state.acknowledged.add(range);
    state.atRisk.add(range);
    state.todo.remove(range);
  }

  *#tasksOf(file: number): IterableIterator<TaskState> {
    for (const task of this.#tasks.values()) if (task.file.file === file) yield task;
  }
}

function mayWork(state: FileState, connection: number): boolean {
  return !state.paused && (state.only === undefined || state.only === connection);
}

function outstanding(task: TaskState): number {
  return task.length - task.acknowledged.total;
}
