/**
 * A runner without bytes: carries out the scheduler's orders as connections do, one small step at a time, in whatever
 * order a test chooses. Orders and reports travel in two queues, as between threads, so that they cross.
 */
import { expect } from 'vitest';
import { type Order, Scheduler } from '../../src/engine/schedule/scheduler.ts';
import type { Range } from '../../src/remotes/remote.ts';
import { RangeSet } from '../../src/util/range-set.ts';

export interface ModelFile {
  readonly size: number;
  readonly pieceSize: number;
}

/** A task as the connection sees it. */
interface Live {
  readonly task: number;
  readonly connection: number;
  readonly file: number;
  readonly offset: number;
  next: number;
  end: number;
  readonly inFlight: Range[];
  takenTold: boolean;
}

type Report =
  | { readonly kind: 'opened' | 'lost'; readonly connection: number }
  | { readonly kind: 'progress'; readonly task: number; readonly part: Range }
  | { readonly kind: 'taken' | 'ended'; readonly task: number }
  | { readonly kind: 'shortened'; readonly task: number; readonly length: number };

export class RunnerModel {
  readonly scheduler: Scheduler;
  readonly files: readonly ModelFile[];
  /** Bytes that the far side acknowledged, by file. */
  readonly arrived: RangeSet[];
  /** Open at the far side. */
  readonly open: Set<number> = new Set();
  ordersGiven = 0;
  /** What connections were told to send, in order. */
  readonly sent: { readonly connection: number; readonly range: Range }[] = [];
  /** The longest distance in one file from the lowest byte that a task had left to take to the end of all tasks. */
  widestBytes = 0;
  readonly #orders: Order[] = [];
  readonly #reports: Report[] = [];
  readonly #live: Map<number, Live> = new Map();

  constructor(files: readonly ModelFile[], rateOf: (connection: number) => number) {
    this.scheduler = new Scheduler(rateOf);
    this.files = files;
    this.arrived = files.map(() => new RangeSet());
    files.forEach(({ size, pieceSize }, file) => {
      this.scheduler.addFile(file, size, pieceSize);
    });
  }

  get isDone(): boolean {
    return this.files.every((_, file) => this.scheduler.ledger(file)!.isComplete);
  }

  get isQuiet(): boolean {
    return this.#orders.length === 0 && this.#reports.length === 0 && this.#live.size === 0;
  }

  get live(): readonly Live[] {
    return [...this.#live.values()];
  }

  connect(connection: number): void {
    if (this.open.has(connection) || this.#reports.some((r) => r.kind === 'lost' && r.connection === connection))
      return;
    this.open.add(connection);
    this.#reports.push({ kind: 'opened', connection });
  }

  /** The connection is cut: what is in flight never arrives. */
  lose(connection: number): void {
    if (!this.open.delete(connection)) return;
    for (const live of this.live) if (live.connection === connection) this.#end(live);
    this.#reports.push({ kind: 'lost', connection });
  }

  /** Everything that is acknowledged by now reaches the disk. */
  sync(file: number): void {
    this.scheduler.ledger(file)!.synced(this.scheduler.ledger(file)!.atRisk);
  }

  /** The far side crashes: all connections are lost, and what was not synced. */
  crash(): void {
    for (const connection of [...this.open]) this.lose(connection);
    while (this.#reports.length > 0) this.deliverReport();
    this.arrived.forEach((arrived, file) => {
      for (const range of this.scheduler.ledger(file)!.atRisk) arrived.remove(range);
      this.scheduler.ledger(file)!.distrust();
    });
  }

  /** A task fails, its connection goes on. */
  fail(live: Live): void {
    this.#end(live);
  }

  give(orders: readonly Order[]): void {
    this.ordersGiven += orders.length;
    this.#orders.push(...orders);
  }

  pump(): void {
    this.give(this.scheduler.orders());
  }

  /** The oldest order reaches its connection. */
  deliverOrder(): void {
    const order = this.#orders.shift();
    if (order === undefined) return;
    if (order.kind === 'shorten') {
      const live = this.#live.get(order.task);
      if (live === undefined) return;
      live.end = Math.min(live.end, Math.max(live.next, live.offset + order.length));
      this.#reports.push({ kind: 'shortened', task: live.task, length: live.end - live.offset });
      this.#tellTaken(live);
      return;
    }
    const { task, connection, file, range } = order;
    expect(range.length, 'a task without bytes').toBeGreaterThan(0);
    expect(range.offset + range.length).toBeLessThanOrEqual(this.files[file]!.size);
    if (!this.open.has(connection)) {
      this.#reports.push({ kind: 'ended', task });
      return;
    }
    for (const other of this.#live.values()) {
      const apart = other.file !== file || other.end <= range.offset || range.offset + range.length <= other.offset;
      expect(apart, `tasks ${other.task} and ${task} have bytes in common`).toBe(true);
    }
    const end = range.offset + range.length;
    const begun = {
      task,
      connection,
      file,
      offset: range.offset,
      next: range.offset,
      end,
      inFlight: [],
      takenTold: false,
    };
    this.#live.set(task, begun);
    this.sent.push({ connection, range });
    const untaken = this.live.filter((live) => live.file === file && live.next < live.end);
    const lowest = Math.min(...untaken.map((live) => live.next));
    this.widestBytes = Math.max(this.widestBytes, ...untaken.map((live) => live.end - lowest));
  }

  /** A connection takes some bytes. */
  take(live: Live, length: number): void {
    const taken = Math.min(length, live.end - live.next);
    if (taken > 0) live.inFlight.push({ offset: live.next, length: taken });
    live.next += taken;
    this.#tellTaken(live);
  }

  /** The far side says OK to one slice; the last one ends the task. */
  acknowledge(live: Live, pick: number): void {
    const [part] = live.inFlight.length > 0 ? live.inFlight.splice(pick % live.inFlight.length, 1) : [];
    if (part !== undefined) {
      this.arrived[live.file]!.add(part);
      this.#reports.push({ kind: 'progress', task: live.task, part });
    }
    if (live.inFlight.length === 0 && live.next === live.end) this.#end(live);
  }

  /** The oldest report reaches the scheduler. */
  deliverReport(): void {
    const report = this.#reports.shift();
    switch (report?.kind) {
      case 'opened':
        return this.scheduler.addConnection(report.connection);
      case 'lost':
        return this.scheduler.removeConnection(report.connection);
      case 'progress':
        return this.scheduler.acknowledged(report.task, [report.part]);
      case 'taken':
        return this.scheduler.taken(report.task);
      case 'shortened':
        return this.scheduler.shortened(report.task, report.length);
      case 'ended':
        return this.scheduler.ended(report.task);
    }
  }

  /** Everything goes well from now on; returns whether all came through within `turns` turns of every connection. */
  finish(turns: number, takeLength: (connection: number) => number): boolean {
    for (let turn = 0; turn < turns; turn++) {
      while (this.#reports.length > 0) this.deliverReport();
      this.pump();
      while (this.#orders.length > 0) this.deliverOrder();
      if (this.isDone && this.isQuiet) return true;
      for (const live of this.live) {
        // Taking runs ahead of acknowledging, as a pipeline does.
        if (live.inFlight.length > 1) this.acknowledge(live, 0);
        else if (live.next < live.end) this.take(live, takeLength(live.connection));
        else this.acknowledge(live, 0);
      }
    }
    return false;
  }

  /** What holds at every moment. */
  check(): void {
    this.files.forEach(({ size }, file) => {
      const todo = this.scheduler.ledger(file)!.toDo;
      const claimed = this.scheduler.ledger(file)!.bytesAcknowledged;
      expect(claimed, 'never more than arrived').toBeLessThanOrEqual(this.arrived[file]!.total);
      expect(todo.total + claimed).toBeLessThanOrEqual(size);
      if (this.scheduler.ledger(file)!.isComplete) expect(this.arrived[file]!.total).toBe(size);
      // No byte is forgotten: it has arrived, is to hand out, or belongs to a task.
      const outstanding = this.scheduler
        .tasks()
        .filter((task) => task.file === file)
        .reduce((sum, task) => sum + task.outstanding, 0);
      expect(todo.total + claimed + outstanding).toBe(size);
    });
  }

  #tellTaken(live: Live): void {
    if (live.takenTold || live.next < live.end) return;
    live.takenTold = true;
    this.#reports.push({ kind: 'taken', task: live.task });
  }

  #end(live: Live): void {
    this.#live.delete(live.task);
    this.#reports.push({ kind: 'ended', task: live.task });
  }
}
